//! `techpass serve`.

use super::ConfigArg;
use crate::demo::stop_asked;
use crate::exit::{Exit, Failure};
use techpass_server::app::App;
use techpass_server::clock::Clock;
use techpass_server::serve;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

/// Serves until Ctrl-C or SIGTERM, then lets requests under way finish.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let config = args.config.read()?;
    let listener = serve::bind(&config.listen)?;
    let app = App::start(config, Clock::system(), true).await?;
    let stop = serve::Stop::new();
    let server = tokio::spawn(serve::run(app.clone(), listener, stop.clone()));
    eprintln!("{} is ready at {}", app.config.brand.name, app.issuer);
    tokio::pin!(server);
    tokio::select! {
        () = stop_asked() => stop.graceful_shutdown(Some(std::time::Duration::from_secs(5))),
        ended = &mut server => {
            return Err(match ended {
                Ok(Err(error)) => error.into(),
                _ => Failure::failed("the server ended by itself"),
            });
        }
    }
    match server.await {
        Ok(served) => served.map(|()| Exit::Ok).map_err(Failure::from),
        Err(error) => Err(Failure::system(error)),
    }
}
