//! What a command says: its result on standard output, everything else on standard error. Whoever reads the result may
//! stop at any line, as `head` does; that ends the command and is no failure of it. A result that cannot be written, for
//! example to a full disk, is one.

use crate::exit::{Exit, Failure};
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Writes a line of the result, and ends the function with a [`Failure`] when nobody can have it.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::say::result(format_args!("{}\n", format_args!($($text)*)))?
    };
}

/// Writes a line for people on standard error; one that nobody can have is dropped.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::say::aside(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use {note, say};

/// Writes a piece of the result.
///
/// # Errors
/// [`Failure::enough`] when the reader has gone, and 1 when it cannot be written.
pub fn result(text: Arguments<'_>) -> Result<(), Failure> {
    written(&mut std::io::stdout().lock(), text)
}

/// Takes a reader that has gone for one that has read everything: for commands whose exit code says more.
///
/// # Errors
/// Any other.
pub fn or_enough(said: Result<(), Failure>) -> Result<(), Failure> {
    said.or_else(|failure| match failure.exit {
        Exit::Ok => Ok(()),
        _ => Err(failure),
    })
}

/// Writes for people, as far as somebody listens.
pub fn aside(text: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}

fn written(to: &mut impl Write, text: Arguments<'_>) -> Result<(), Failure> {
    let done = to.write_fmt(text).and_then(|()| to.flush());
    done.map_err(|error| failure(&error))
}

/// What it means for a command that its result cannot be written.
pub fn failure(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::enough(),
        _ => Failure::failed(format!("cannot write the result: {error}")),
    }
}
