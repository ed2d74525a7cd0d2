//! What the controller remembers between reconciles. Losing it is safe: waits begin again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use devspace_plan::interception::Rounds;
use jiff::Timestamp;
use tokio::time::Instant;

/// What the controller remembers between reconciles.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    without_router: Mutex<HashMap<String, Instant>>,
    rounds: Mutex<HashMap<String, Rounds>>,
}

// === impl Memory ===

impl Memory {
    /// For how long the namespace has had no ready router, as far as this process saw.
    pub(super) fn without_router(&self, namespace: &str, ready: bool) -> Duration {
        let mut since = self.without_router.lock().unwrap_or_else(PoisonError::into_inner);
        if ready {
            since.remove(namespace);
            return Duration::ZERO;
        }
        since
            .entry(namespace.to_owned())
            .or_insert_with(Instant::now)
            .elapsed()
    }

    /// Remembers that the Service with this UID was flipped.
    pub(super) fn flipped(&self, uid: &str, now: Timestamp) {
        self.with(uid, |rounds| rounds.flip(now));
    }

    /// Remembers that the Service was found taken back by `manager`. Does nothing where we did it ourselves.
    pub(super) fn reverted(&self, uid: &str, manager: Option<String>, now: Timestamp) {
        self.with(uid, |rounds| rounds.revert(manager, now));
    }

    /// Forgets the last flip, since we put the Service back ourselves.
    pub(super) fn put_back(&self, uid: &str) {
        self.with(uid, |rounds| rounds.flipped = None);
    }

    /// Who contends for the Service.
    pub(super) fn contender(&self, uid: &str, now: Timestamp) -> Option<String> {
        self.with(uid, |rounds| rounds.contender(now).map(str::to_owned))
    }

    fn with<T>(&self, uid: &str, change: impl FnOnce(&mut Rounds) -> T) -> T {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        change(rounds.entry(uid.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_without_a_router_counts_from_the_first_look_and_ends_with_a_ready_one() {
        let memory = Memory::default();
        assert_eq!(memory.without_router("shop", false), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(memory.without_router("shop", false), Duration::from_secs(61));
        assert_eq!(memory.without_router("shop", true), Duration::ZERO);
        assert_eq!(memory.without_router("shop", false), Duration::ZERO);
    }
}
