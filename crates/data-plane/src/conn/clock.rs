//! What a connection is doing, for head time-outs and drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Shared by a connection's socket, its requests and its watcher. Atomics because an upgraded socket may move.
#[derive(Debug, Default)]
pub(super) struct Clock {
    in_flight: AtomicU32,
    /// Counts requests, so that a watcher sees whether one began meanwhile.
    begun: AtomicU32,
    /// Bytes came that are part of no request yet.
    head_open: AtomicBool,
    wake: Notify,
    first: Notify,
}

/// One request in flight; dropped when its response has ended.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Clock>);

/// Why a connection should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A head was begun and not finished in time.
    HeadTimeout,
    /// The router drains and nothing is in flight.
    Drained,
}

// === impl Clock ===

impl Clock {
    /// Bytes were read.
    pub(super) fn bytes_read(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0 && !self.head_open.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.head_open.store(false, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        if self.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.notify_one();
        }
        Busy(Arc::clone(self))
    }

    /// Waits until a head has been open for `limit`.
    pub(super) async fn head_timeout(&self, limit: Duration) -> End {
        loop {
            if !self.head_open.load(Ordering::Relaxed) {
                self.wake.notified().await;
                continue;
            }
            let begun = self.begun.load(Ordering::Relaxed);
            sleep(limit).await;
            let same = self.begun.load(Ordering::Relaxed) == begun;
            if same && self.head_open.load(Ordering::Relaxed) {
                return End::HeadTimeout;
            }
        }
    }

    /// Waits until the router drains and the connection has had a request, or has had the time for one: a
    /// connection that came late must not lose its first.
    pub(super) async fn drained_after_first(&self, drain: &CancellationToken, idle: Duration) {
        drain.cancelled().await;
        if self.begun.load(Ordering::Relaxed) == 0 {
            tokio::select! {
                () = self.first.notified() => {}
                () = sleep(idle) => {}
            }
        }
    }

    /// Waits until the router drains and the connection was idle for `idle`.
    pub(super) async fn drained(&self, drain: &CancellationToken, idle: Duration) -> End {
        drain.cancelled().await;
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            sleep(idle).await;
            let same = self.begun.load(Ordering::Relaxed) == begun;
            let free = self.in_flight.load(Ordering::Relaxed) == 0 && !self.head_open.load(Ordering::Relaxed);
            if same && free {
                return End::Drained;
            }
        }
    }
}

// === impl Busy ===

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
