//! `techpass serve`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::notify;
use crate::say::note;
use crate::stop::{Asked, Hangup};
use techpass_server::app::App;
use techpass_server::clock::Clock;
use techpass_server::config::{Log, Traces};
use techpass_server::serve::{self, Certificate, Listeners};

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

impl Args {
    /// How the configuration wants logs and traces. One that cannot be read is reported by [`run`].
    pub fn log(&self) -> (Log, Traces) {
        let config = self.config.read();
        config
            .map(|config| (config.log, config.traces))
            .unwrap_or_default()
    }
}

/// Serves until Ctrl-C or SIGTERM, then stops in steps; a second signal ends at once. SIGHUP takes the TLS files up anew.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let mut asked = Asked::listen()?;
    let mut hangup = Hangup::listen()?;
    let config = args.config.read()?;
    let listeners = Listeners::open(&config).await?;
    for warning in super::doctor::at_start(&config, Clock::system().now()) {
        tracing::warn!("{warning}");
    }
    let certificate = listeners.certificate();
    let app = tokio::select! {
        started = App::start(config, Clock::system(), true) => started?,
        () = asked.again() => {
            note!("stopped before it was ready");
            return Ok(Exit::Ok);
        }
    };
    let stop = serve::Stop::new();
    let server = tokio::spawn(serve::run(app.clone(), listeners, stop.clone()));
    note!("{} is ready at {}", app.config.brand.name, app.issuer);
    notify::say("READY=1");
    tokio::spawn(notify::alive());
    tokio::pin!(server);
    loop {
        tokio::select! {
            () = asked.again() => break,
            () = hangup.again() => reload(certificate.as_ref()).await,
            ended = &mut server => {
                return Err(match ended {
                    Ok(Err(error)) => error.into(),
                    _ => Failure::failed("the server ended by itself"),
                });
            }
        }
    }
    note!("stopping; once more ends at once");
    notify::say("STOPPING=1");
    let orderly = async {
        serve::drain(&app, &stop).await;
        (&mut server).await
    };
    tokio::select! {
        ended = orderly => match ended {
            Ok(served) => served.map(|()| Exit::Ok).map_err(Failure::from),
            Err(error) => Err(Failure::system(error)),
        },
        () = asked.again() => Err(Failure::failed("stopped before everything had finished")),
    }
}

/// Takes the TLS files up as they are now, and says what came of it. Nothing else is read anew.
async fn reload(certificate: Option<&Certificate>) {
    match certificate {
        None => note!(
            "there is nothing to reload: TLS is not configured, and anything else needs a new start"
        ),
        Some(certificate) => match certificate.reload().await {
            Ok(()) => note!("the TLS certificate was read anew and is in use"),
            Err(error) => note!("error: {error}; the present certificate stays"),
        },
    }
}
