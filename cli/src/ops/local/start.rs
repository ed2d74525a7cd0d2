//! `devspace local start`.

use std::collections::BTreeMap;
use std::time::Duration;

use devspace_local::protocol::{Workspace, WorkspaceState};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::daemon::Launch;
use super::phases::{changes, outcome, waiting};
use super::{LOG, LocalError};
use crate::engine::local::{put_workspace, watch_workspace};
use crate::event::Event;

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartRequest {
    /// How a daemon is started.
    pub(crate) launch: Launch,
    /// The workspace.
    pub(crate) workspace: Workspace,
    /// How long its services may take.
    pub(crate) timeout: Duration,
}

/// Starts the daemon if none runs, gives it the workspace, and waits until every service is settled. Phases are told on
/// `event_tx`. The services go on, however this ends.
///
/// # Errors
/// [`LocalError`]. A service that failed is none: the state says so.
pub(crate) async fn start(
    request: StartRequest,
    event_tx: &mpsc::Sender<Event>,
) -> Result<WorkspaceState, LocalError> {
    let StartRequest {
        launch,
        workspace,
        timeout,
    } = request;
    let deadline = Instant::now() + timeout;
    let (local, started) = launch.ensure().await?;
    let daemon = local.daemon();
    let engine = Event::LocalEngine {
        version: daemon.version.clone(),
        pid: daemon.pid,
        state: daemon.state.display().to_string(),
        log: launch.state.join(LOG).display().to_string(),
        started,
    };
    drop(event_tx.send(engine).await);
    let mut state = put_workspace(&local, &workspace).await?;
    let mut seen = BTreeMap::new();
    let mut states = watch_workspace(&local, &workspace.name);
    loop {
        for event in changes(&mut seen, &state) {
            drop(event_tx.send(event).await);
        }
        if outcome(&state).is_some() {
            return Ok(state);
        }
        state = match tokio::time::timeout_at(deadline, states.next()).await {
            Ok(Some(next)) => next?,
            Ok(None) => {
                return Err(LocalError::Removed {
                    workspace: workspace.name,
                });
            }
            Err(_) => {
                return Err(LocalError::TimedOut {
                    workspace: workspace.name,
                    waiting: waiting(&state),
                });
            }
        };
    }
}
