//! The current route table, and the wake-up of those who wait for another one.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use devspace_core::table::RouteTable;
use tokio::sync::watch;

/// The current route table. Every request reads it once; publishing replaces it whole.
#[derive(Debug)]
pub struct Tables {
    current: ArcSwap<RouteTable>,
    version: watch::Sender<u64>,
}

/// Tells when another table is published.
#[derive(Debug)]
pub struct Changes(watch::Receiver<u64>);

// === impl Tables ===

impl Tables {
    /// An empty table: every listener is unknown, so accepted connections wait.
    #[must_use]
    pub fn new() -> Arc<Self> {
        let (version, _) = watch::channel(0);
        Arc::new(Self {
            current: ArcSwap::default(),
            version,
        })
    }

    /// Replaces the table. From the return on, every request on every thread is decided by the new one.
    pub fn publish(&self, table: RouteTable) {
        self.current.store(Arc::new(table));
        self.version.send_modify(|version| *version += 1);
    }

    /// The current table. Holding the guard over an await keeps old tables alive: take what is needed and drop it.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<RouteTable>> {
        self.current.load()
    }

    /// How many tables were published.
    #[must_use]
    pub fn version(&self) -> u64 {
        *self.version.borrow()
    }

    /// Sees every publication after this call. Call it before [`Tables::load`], so that none is missed between.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.version.subscribe())
    }
}

// === impl Changes ===

impl Changes {
    /// Waits for the next publication; never returns where no more can come. Cancel safe.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
