//! Which tests may run beside each other: those that hurt the cluster run alone.

use std::sync::OnceLock;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static GATE: OnceLock<RwLock<()>> = OnceLock::new();

/// How a test uses the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Beside others.
    Shared,
    /// Alone: it breaks parts that all tests use, or measures time.
    Alone,
}

/// Held while a test runs.
#[derive(Debug)]
pub enum Held {
    /// Beside others.
    Shared(RwLockReadGuard<'static, ()>),
    /// Alone.
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Gate {
    /// Waits for the turn.
    pub async fn enter(self) -> Held {
        let gate = GATE.get_or_init(|| RwLock::new(()));
        match self {
            Self::Shared => Held::Shared(gate.read().await),
            Self::Alone => Held::Alone(gate.write().await),
        }
    }
}
