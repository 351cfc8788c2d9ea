//! Waiting for something to become true, with a deadline and never for a fixed time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that has much else to do. Only a failure takes that long.
const DEADLINE: Duration = Duration::from_secs(120);
/// How often is looked.
const PAUSE: Duration = Duration::from_millis(40);

/// Looks until there is something; panics with `what` and the last thing seen when there is nothing in time.
pub async fn until<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let end = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > end => panic!("waited in vain for {what}; {seen}"),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
