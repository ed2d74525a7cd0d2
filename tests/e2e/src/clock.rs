//! One clock for the tests and their pods: `CLOCK_MONOTONIC` is the kernel's, and pods share the test machine's kernel.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds of the machine's monotonic clock. Values of different processes on one machine can be compared.
#[must_use]
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let micros = u64::try_from(now.tv_nsec).unwrap_or_default() / 1_000;
    seconds.saturating_mul(1_000_000).saturating_add(micros)
}

/// Microseconds as seconds, for people.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a duration of a test fits a double's 53 bits"
)]
pub fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let first = now_us();
        assert!(first > 0 && now_us() >= first);
    }
}
