//! `techpass serve`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::notify;
use crate::say::note;
use crate::stop::Asked;
use techpass_server::app::App;
use techpass_server::clock::Clock;
use techpass_server::config::{Log, Traces};
use techpass_server::serve;

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

/// Serves until Ctrl-C or SIGTERM, then stops in steps; a second signal ends at once.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let mut asked = Asked::listen()?;
    let config = args.config.read()?;
    let listener = serve::bind(&config.listen)?;
    let app = tokio::select! {
        started = App::start(config, Clock::system(), true) => started?,
        () = asked.again() => {
            note!("stopped before it was ready");
            return Ok(Exit::Ok);
        }
    };
    let stop = serve::Stop::new();
    let server = tokio::spawn(serve::run(app.clone(), listener, stop.clone()));
    note!("{} is ready at {}", app.config.brand.name, app.issuer);
    notify::say("READY=1");
    tokio::spawn(notify::alive());
    tokio::pin!(server);
    tokio::select! {
        () = asked.again() => {}
        ended = &mut server => {
            return Err(match ended {
                Ok(Err(error)) => error.into(),
                _ => Failure::failed("the server ended by itself"),
            });
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
