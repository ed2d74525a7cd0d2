//! One serving thread: its accept loops and what its connections share.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::conn;
use crate::listeners::Entry;
use crate::metrics::{Metrics, WorkerMetrics};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::tables::Tables;

/// Between two looks at idle upstream connections.
const REAP: Duration = Duration::from_secs(1);
/// After an accept error such as a lack of descriptors, so that a full process does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections of one thread share.
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) pool: Pool,
    pub(crate) metrics: WorkerMetrics,
    /// Every task of the thread but the accept loops.
    pub(crate) tasks: TaskTracker,
    /// Responses ask their callers to leave.
    pub(crate) drain: CancellationToken,
    /// What is still open is cut.
    pub(crate) cut: CancellationToken,
    /// Requests held by all threads.
    pub(crate) held: Arc<AtomicUsize>,
    /// Turns through the endpoints of services.
    pub(crate) turn: Cell<usize>,
    /// Open connections of the thread, counted over all threads.
    open: Arc<AtomicUsize>,
}

/// What a thread is given at start.
pub(crate) struct Start {
    pub(crate) settings: Arc<Settings>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shared: Shared,
    /// Sockets to serve, at start and later: `Router --sockets--> worker`.
    pub(crate) sockets_rx: mpsc::Receiver<Vec<(Entry, StdListener)>>,
}

/// What all threads share beside the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    pub(crate) drain: CancellationToken,
    pub(crate) stop_accepting: CancellationToken,
    pub(crate) cut: CancellationToken,
    pub(crate) held: Arc<AtomicUsize>,
    pub(crate) open: Arc<AtomicUsize>,
    /// Accept loops of all threads that have not ended.
    pub(crate) accepting: Arc<AtomicUsize>,
}

/// Serves until accepting has stopped and every connection has ended or was cut.
pub(crate) async fn run(start: Start) {
    let Start {
        settings,
        tables,
        metrics,
        shared,
        mut sockets_rx,
    } = start;
    let tasks = TaskTracker::new();
    let worker = Rc::new(Worker {
        pool: Pool::new(Arc::clone(&settings), Arc::clone(&metrics), tasks.clone()),
        metrics: WorkerMetrics::new(metrics),
        settings,
        tables,
        tasks,
        drain: shared.drain.clone(),
        cut: shared.cut.clone(),
        held: Arc::clone(&shared.held),
        turn: Cell::new(0),
        open: Arc::clone(&shared.open),
    });
    let accepting = TaskTracker::new();
    let stop = shared.stop_accepting.clone();
    let mut tick = interval(REAP);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = 0;
    loop {
        tokio::select! {
            sockets = sockets_rx.recv() => match sockets {
                Some(sockets) => {
                    for (entry, socket) in sockets {
                        let accept = accept(Rc::clone(&worker), entry, socket, stop.clone());
                        accepting.spawn_local(counted(Arc::clone(&shared.accepting), accept));
                    }
                }
                None => break,
            },
            _ = tick.tick() => {
                worker.pool.reap();
                let version = worker.tables.version();
                if seen != version {
                    seen = version;
                    worker.metrics.forget_cached();
                }
            }
            () = stop.cancelled() => break,
        }
    }
    stop.cancelled().await;
    accepting.close();
    accepting.wait().await;
    // Upstream connections end with the pool; callers' connections end by themselves or are cut.
    tokio::select! {
        () = no_connections(&worker.open) => {}
        () = worker.cut.cancelled() => {}
    }
}

/// Runs one accept loop, counted from now to its end.
fn counted(count: Arc<AtomicUsize>, accept: impl Future<Output = ()>) -> impl Future<Output = ()> {
    count.fetch_add(1, Ordering::AcqRel);
    async move {
        accept.await;
        count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until no caller is connected.
async fn no_connections(open: &AtomicUsize) {
    let mut look = interval(Duration::from_millis(20));
    while open.load(Ordering::Acquire) > 0 {
        look.tick().await;
    }
}

async fn accept(worker: Rc<Worker>, entry: Entry, socket: StdListener, stop: CancellationToken) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            warn!(?entry, %error, "listening socket cannot be served");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((socket, peer)) => serve(&worker, entry, socket, peer),
            Err(error) if is_of_one_connection(&error) => {
                debug!(%error, "connection was gone before accepting")
            }
            Err(error) => {
                worker.metrics.shared.accept_errors.inc();
                warn!(?entry, %error, "accepting failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // A connection that waits in the queue would be reset with the socket. The kernel is asked, since its event
    // may not have come yet.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((socket, peer)) = listener.accept() {
        let ready = socket
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(socket));
        if let Ok(socket) = ready {
            serve(&worker, entry, socket, peer);
        }
    }
}

fn serve(worker: &Rc<Worker>, entry: Entry, socket: TcpStream, peer: SocketAddr) {
    let open = Open::new(worker);
    let worker = Rc::clone(worker);
    worker.tasks.clone().spawn_local(async move {
        let _open = open;
        conn::run(worker, entry, socket, peer).await;
    });
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Counts one open connection.
pub(crate) struct Open(Rc<Worker>);

// === impl Open ===

impl Open {
    pub(crate) fn new(worker: &Rc<Worker>) -> Self {
        worker.open.fetch_add(1, Ordering::AcqRel);
        worker.metrics.shared.connections.inc();
        Self(Rc::clone(worker))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.metrics.shared.connections.dec();
    }
}
