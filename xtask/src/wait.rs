//! Waiting for a condition of another process, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Asks every 10 ms whether the condition holds, until the limit is over. Answers whether it held.
pub(crate) fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
}
