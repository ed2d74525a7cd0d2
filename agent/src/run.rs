//! `devspace-agent run`: everything that a copy's container needs, from the listeners to the last process.

use std::sync::Arc;

use devspace_sync::store::{Layout, Store, StoreError};
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::control::Control;
use crate::environment::Environment;
use crate::events::EventLog;
use crate::listener::Listener;
use crate::ready::{self, Readiness};
use crate::reap::{Children, reap_orphans};
use crate::saved::Saved;
use crate::supervisor::{Command, Container, Parts, Supervisor};

/// The agent's two listeners.
#[derive(Debug)]
pub struct Listeners {
    /// On loopback or a Unix socket: the right to port-forward, or to the socket's folder, is the only way in.
    pub control: Listener,
    /// On all addresses for the kubelet's probe, or a Unix socket for the local engine.
    pub ready: Listener,
}

/// Runs until `cancel` fires; then the program is stopped with its grace, and nothing of it is left.
/// `out` is the container's output.
///
/// # Errors
/// If the copy's volume cannot be used.
pub async fn run<W>(
    environment: Environment,
    listeners: Listeners,
    out: W,
    cancel: CancellationToken,
) -> Result<(), StoreError>
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let layout = Layout {
        state: environment.state(),
        roots: environment.roots(),
    };
    let store = Store::open(layout)?;
    let saved = Saved::new(&environment.state());
    let log = Arc::new(EventLog::default());
    let (readiness_tx, readiness_rx) = watch::channel(Readiness::Down);
    let (container, writer) = Container::new(out);
    let children = Children::default();
    let gateway = environment.gateway.clone();
    let (supervisor, handle) = Supervisor::new(Parts {
        environment: Arc::new(environment),
        saved: saved.clone(),
        children: children.clone(),
        log: Arc::clone(&log),
        readiness: readiness_tx,
        container,
    });
    let control = Arc::new(Control::new(
        store,
        handle.clone(),
        Arc::clone(&log),
        saved,
        gateway,
    ));
    let mut tasks = JoinSet::new();
    tasks.spawn(writer);
    tasks.spawn(ready::serve(listeners.ready, readiness_rx, Arc::clone(&log)));
    tasks.spawn(supervisor.run());
    tasks.spawn(async move {
        if let Err(error) = reap_orphans(children).await {
            tracing::warn!(%error, "orphans are not reaped");
        }
    });
    control.resume().await;
    tasks.spawn(control.serve(listeners.control));
    cancel.cancelled().await;
    // An error means that the supervisor has ended, which is what is asked for.
    let _ = handle.ask(Command::Stop).await;
    Ok(())
}
