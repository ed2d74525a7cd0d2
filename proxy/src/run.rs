//! The program's life: listeners, data plane, watches, admin port, drain.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use devspace_data_plane::{Metrics, Router, StartError, Tables};
use kube::config::InClusterError;
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::admin::{self, Admin};
use crate::args::Args;
use crate::listen::Block;
use crate::logging::chain;
use crate::publish::{self, Publisher};
use crate::{state, watch as watches};

/// Between two tries to make a client of the API server.
const CLIENT_RETRY: Duration = Duration::from_secs(2);

/// Why the program cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// No runtime for the control side.
    #[error("make the control runtime")]
    Runtime(#[source] io::Error),
    /// The data plane does not start.
    #[error("start the data plane")]
    DataPlane(#[source] StartError),
    /// The admin port cannot be bound.
    #[error("bind the admin port {0}")]
    Admin(u16, #[source] io::Error),
    /// Signals cannot be listened for.
    #[error("listen for signals")]
    Signal(#[source] io::Error),
    /// No thread for the admin port.
    #[error("start the admin thread")]
    Thread(#[source] io::Error),
}

/// Why there is no client of the API server.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    /// Neither a cluster around nor a kubeconfig.
    #[error("find the API server")]
    Config(#[source] InClusterError),
    /// The configuration cannot be used.
    #[error("make a client of the API server")]
    Client(#[source] kube::Error),
}

/// Runs until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// [`RunError`] where the program cannot start. A missing API server is no reason: it is waited for.
pub(crate) fn run(args: Args) -> Result<(), RunError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    runtime.block_on(live(args))
}

async fn live(args: Args) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let tables = Tables::new();
    let loaded = load(&args, &tables);
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let (block, listeners) = Block::open(&args);
    let address = block.address();
    let router = Router::start(args.settings(), listeners, &tables, &metrics).map_err(RunError::DataPlane)?;
    let router = Arc::new(router);

    let (ready_tx, ready_rx) = watch::channel(loaded);
    let (draining_tx, draining_rx) = watch::channel(false);
    let admin = Admin {
        tables: Arc::clone(&tables),
        registry,
        ready_rx,
        draining_rx,
    };
    let _admin = start_admin(admin, (address, args.admin_port).into())?;

    let mut tasks = JoinSet::new();
    let (store_tx, store_rx) = watch::channel(None);
    if let Some(folder) = args.state_dir.clone() {
        tasks.spawn(publish::keep(folder, store_rx));
    }
    let feed = Feed {
        tables,
        metrics,
        router: Arc::clone(&router),
        block,
        ready_tx,
        store_tx,
    };
    tasks.spawn(feed.run(args.baseline_namespace.clone()));

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("draining");
    draining_tx.send_replace(true);
    // The table is kept up to date while the router drains: pods of the baseline may roll at the same time.
    let drained = router.drain().await;
    info!(cut = drained.cut, "drained");
    tasks.shutdown().await;
    Ok(())
}

/// Takes the last run's table. A router with one serves before the API server answers.
fn load(args: &Args, tables: &Tables) -> bool {
    let Some(folder) = &args.state_dir else {
        return false;
    };
    match state::load(folder) {
        Ok(Some(table)) => {
            info!(
                listeners = table.listeners.len(),
                "last table is loaded from disk"
            );
            tables.publish(table);
            true
        }
        Ok(None) => false,
        Err(failure) => {
            warn!(error = chain(&failure), "last table cannot be used");
            false
        }
    }
}

/// Serves the admin port on a thread of its own, so that a large scrape delays nobody. Dropping the sender ends it.
fn start_admin(admin: Admin, address: std::net::SocketAddr) -> Result<oneshot::Sender<()>, RunError> {
    let socket =
        std::net::TcpListener::bind(address).map_err(|error| RunError::Admin(address.port(), error))?;
    socket
        .set_nonblocking(true)
        .map_err(|error| RunError::Admin(address.port(), error))?;
    let (end_tx, end_rx) = oneshot::channel::<()>();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let serve = move || {
        runtime.block_on(async {
            let listener = match TcpListener::from_std(socket) {
                Ok(listener) => listener,
                Err(error) => {
                    error!(%error, "admin port cannot be served");
                    return;
                }
            };
            tokio::select! {
                () = admin::serve(Arc::new(admin), listener) => {}
                _ = end_rx => {}
            }
        });
    };
    thread::Builder::new()
        .name("admin".to_owned())
        .spawn(serve)
        .map_err(RunError::Thread)?;
    Ok(end_tx)
}

/// What feeds the table.
struct Feed {
    tables: Arc<Tables>,
    metrics: Arc<Metrics>,
    router: Arc<Router>,
    block: Block,
    ready_tx: watch::Sender<bool>,
    store_tx: watch::Sender<Option<Arc<devspace_core::table::RouteTable>>>,
}

// === impl Feed ===

impl Feed {
    async fn run(self, namespace: String) {
        let client = loop {
            match client().await {
                Ok(client) => break client,
                Err(failure) => {
                    warn!(error = chain(&failure), "no client of the API server");
                    tokio::time::sleep(CLIENT_RETRY).await;
                }
            }
        };
        let changed = Arc::new(Notify::new());
        let mut watching = JoinSet::new();
        let stores = watches::start(&client, &namespace, &changed, &mut watching);
        let publisher = Publisher {
            stores,
            tables: self.tables,
            metrics: self.metrics,
            router: self.router,
            block: self.block,
            changed,
            ready_tx: self.ready_tx,
            store_tx: self.store_tx,
        };
        publisher.run().await;
    }
}

/// A client by the address that the pod is told, since a static binary looks up no names; outside of a cluster by
/// the kubeconfig.
async fn client() -> Result<Client, ClientError> {
    let config = match Config::incluster_env() {
        Ok(config) => config,
        Err(outside) => Config::infer().await.map_err(|_| ClientError::Config(outside))?,
    };
    Client::try_from(config).map_err(ClientError::Client)
}
