//! The data plane as a whole: its threads, from start to drained.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{Instant, interval, sleep_until};
use tracing::{error, info};

use crate::listeners::Listeners;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::tables::Tables;
use crate::worker::{self, Shared, Start};

/// Sockets that wait for a thread to take them.
const SOCKET_BATCHES: usize = 16;
/// Between two looks at the number of open connections during a drain.
const LOOK: Duration = Duration::from_millis(20);

/// Why the data plane does not start or grow.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A thread cannot be made.
    #[error("a serving thread cannot be made")]
    Thread(#[source] io::Error),
    /// A listening socket cannot be cloned for a thread.
    #[error("a listening socket cannot be shared between threads")]
    Clone(#[source] io::Error),
    /// A thread has ended.
    #[error("a serving thread has ended")]
    Ended,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the limit and were cut.
    pub cut: usize,
}

/// The running data plane. Dropping it cuts everything.
#[derive(Debug)]
pub struct Router {
    settings: Arc<Settings>,
    shared: Shared,
    sockets_tx: Vec<mpsc::Sender<Vec<(crate::Entry, std::net::TcpListener)>>>,
    threads: Vec<JoinHandle<()>>,
}

// === impl Router ===

impl Router {
    /// Starts the threads on `listeners`. Every thread gets a clone of each socket.
    ///
    /// # Errors
    /// [`StartError`]; threads that were made are ended again.
    pub fn start(
        settings: Settings,
        listeners: Listeners,
        tables: &Arc<Tables>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let mut router = Self {
            settings,
            shared: Shared::default(),
            sockets_tx: Vec::new(),
            threads: Vec::new(),
        };
        for number in 0..router.settings.threads.get() {
            let (sockets_tx, sockets_rx) = mpsc::channel(SOCKET_BATCHES);
            let start = Start {
                settings: Arc::clone(&router.settings),
                tables: Arc::clone(tables),
                metrics: Arc::clone(metrics),
                shared: router.shared.clone(),
                sockets_rx,
            };
            let thread = Builder::new()
                .name(format!("serve-{number}"))
                .spawn(move || run_thread(start));
            router.threads.push(thread.map_err(StartError::Thread)?);
            router.sockets_tx.push(sockets_tx);
        }
        router.add(listeners)?;
        Ok(router)
    }

    /// Serves more sockets, for when the table names listeners beyond those that are bound.
    ///
    /// # Errors
    /// [`StartError::Clone`] or [`StartError::Ended`].
    pub fn add(&self, listeners: Listeners) -> Result<(), StartError> {
        for sockets_tx in &self.sockets_tx {
            let sockets = listeners.try_clone().map_err(StartError::Clone)?;
            sockets_tx.try_send(sockets).map_err(|_| StartError::Ended)?;
        }
        // From here on only the threads hold the sockets, so a socket closes when its last accept loop ends.
        drop(listeners);
        Ok(())
    }

    /// Ends without failing a request that Kubernetes sends meanwhile:
    ///
    /// 1. accepts and serves as before for [`delay`](crate::DrainSettings::delay), so that callers are sent
    ///    elsewhere (readiness must be off already);
    /// 2. asks every caller to leave, by `Connection: close` and GOAWAY, and still accepts;
    /// 3. when nobody is connected any more, or at the limit, stops accepting, cuts what is left and ends.
    ///
    /// Dropping the future before its end leaves the router as it is then. A second call returns at once.
    pub async fn drain(&self) -> Drained {
        tokio::time::sleep(self.settings.drain.delay).await;
        info!(open = self.open(), "callers are asked to leave");
        self.shared.drain.cancel();
        let limit = Instant::now() + self.settings.drain.limit;
        let mut look = interval(LOOK);
        while self.open() > 0 && Instant::now() < limit {
            tokio::select! {
                _ = look.tick() => {}
                () = sleep_until(limit) => {}
            }
        }
        self.shared.stop_accepting.cancel();
        // What was in the sockets' queues is accepted and served too, up to the limit.
        while (self.shared.accepting.load(Ordering::Acquire) > 0 || self.open() > 0) && Instant::now() < limit
        {
            look.tick().await;
        }
        let cut = self.open();
        self.shared.cut.cancel();
        Drained { cut }
    }

    /// Open connections of callers.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    fn join(&mut self) {
        self.sockets_tx.clear();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("a serving thread has failed");
            }
        }
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.shared.stop_accepting.cancel();
        self.shared.cut.cancel();
        self.join();
    }
}

fn run_thread(start: Start) {
    match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => LocalSet::new().block_on(&runtime, worker::run(start)),
        Err(error) => error!(%error, "a serving thread has no runtime"),
    }
}
