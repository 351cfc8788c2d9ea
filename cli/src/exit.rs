//! How a command ends, and what it says when it does not succeed.

use std::fmt;
use std::process::ExitCode;

/// Exit codes, as the interface promises them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Ok,
    /// 1: a check failed, or the work could not be done.
    Failed,
    /// 2: the command's words.
    Usage,
    /// 3: the configuration.
    Config,
    /// 4: the server cannot be reached.
    Unreachable,
    /// 5: refused.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Config => 3,
            Exit::Unreachable => 4,
            Exit::Refused => 5,
        })
    }
}

/// A command that did not succeed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    text: String,
}

impl Failure {
    /// 1.
    pub fn failed(text: impl Into<String>) -> Failure {
        Failure::with(Exit::Failed, text)
    }
    /// 2.
    pub fn usage(text: impl Into<String>) -> Failure {
        Failure::with(Exit::Usage, text)
    }
    /// 5.
    pub fn refused(text: impl Into<String>) -> Failure {
        Failure::with(Exit::Refused, text)
    }
    /// 0: whoever reads the result has enough of it.
    pub fn enough() -> Failure {
        Failure::with(Exit::Ok, String::new())
    }
    /// 1, from the system.
    pub fn system(error: impl fmt::Display) -> Failure {
        Failure::failed(error.to_string())
    }
    /// Any.
    pub fn with(exit: Exit, text: impl Into<String>) -> Failure {
        Failure {
            exit,
            text: text.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<techpass_server::app::Error> for Failure {
    fn from(error: techpass_server::app::Error) -> Failure {
        use techpass_server::app::Error;
        use techpass_store::StoreError;
        let exit = match &error {
            Error::Config(_) | Error::Seal(_) => Exit::Config,
            // The settings of the database's server, by their names.
            Error::Store(StoreError::UnsafeSetting { .. }) => Exit::Config,
            Error::Store(StoreError::Locked(_)) => Exit::Refused,
            _ => Exit::Failed,
        };
        Failure::with(exit, techpass_server::web::page::chain(&error))
    }
}

impl From<techpass_server::config::ConfigError> for Failure {
    fn from(error: techpass_server::config::ConfigError) -> Failure {
        Failure::with(Exit::Config, error.to_string())
    }
}

impl From<techpass_server::admin::AdminError> for Failure {
    fn from(error: techpass_server::admin::AdminError) -> Failure {
        use techpass_server::admin::AdminError;
        match error {
            AdminError::Refused(text) => Failure::refused(text),
            AdminError::Failure(error) => error.into(),
        }
    }
}
