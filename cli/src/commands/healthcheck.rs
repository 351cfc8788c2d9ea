//! `techpass healthcheck`.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say;
use std::time::Duration;

/// Options.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArg,
}

/// Asks the management listener whether the server is ready: 0 when it is, 1 when it is not, 4 when nobody answers.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let config = args.config.read()?;
    let Some(listen) = config.management.listen else {
        return Err(Failure::with(
            Exit::Config,
            "management.listen is not set, so nobody answers",
        ));
    };
    let address = here(&listen);
    let unreachable = |error: reqwest::Error| {
        Failure::with(
            Exit::Unreachable,
            format!("http://{address}/readyz does not answer: {error}"),
        )
    };
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .build()
        .map_err(Failure::system)?;
    let answer = client
        .get(format!("http://{address}/readyz"))
        .send()
        .await
        .map_err(unreachable)?;
    let ready = answer.status().is_success();
    let text = answer.text().await.map_err(unreachable)?;
    say::or_enough(say::result(format_args!("{text}\n")))?;
    Ok(if ready { Exit::Ok } else { Exit::Failed })
}

/// Where to ask on this machine: an address that stands for all of them is asked at loopback.
fn here(listen: &str) -> String {
    for (all, one) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] {
        if let Some(port) = listen.strip_prefix(all) {
            return format!("{one}{port}");
        }
    }
    listen.to_owned()
}
