//! Waiting for a store at start.
//!
//! Pods start in any order. A service whose store does not answer yet tries again for a bounded time and then exits
//! with 1, so that the orchestrator shows the failure and starts it again.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Tries to reach the store until it answers or the time is over; waits double from 50 ms to 2 s.
///
/// # Errors
/// The last failure, once the next wait would end after `within`.
pub async fn reach<T, E, F, Fut>(within: Duration, mut attempt: F) -> Result<T, E>
where
    E: Display,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let end = Instant::now() + within;
    let mut wait = FIRST_WAIT;
    loop {
        let error = match attempt().await {
            Ok(store) => return Ok(store),
            Err(error) => error,
        };
        if Instant::now() + wait > end {
            return Err(error);
        }
        tracing::warn!(error = %error, "the store does not answer yet");
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_tries_again_until_the_store_answers() {
        let mut tries = 0;
        let reached = reach(Duration::from_secs(60), || {
            tries += 1;
            std::future::ready(if tries < 5 { Err("refused") } else { Ok(tries) })
        });
        assert_eq!(reached.await, Ok(5));
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_when_the_time_is_over() {
        let started = Instant::now();
        let reached: Result<(), _> =
            reach(Duration::from_secs(10), || std::future::ready(Err("refused"))).await;
        assert_eq!(reached, Err("refused"));
        assert!(started.elapsed() <= Duration::from_secs(10));
        assert!(started.elapsed() > Duration::from_secs(7));
    }
}
