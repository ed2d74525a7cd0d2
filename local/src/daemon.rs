//! The daemon's workspaces, each an actor of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use devspace_agent::reap::Children;
use devspace_core::ServiceName;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::files;
use crate::home::Home;
use crate::protocol::{Workspace, WorkspaceState};
use crate::reach::Reaches;
use crate::settings::Settings;
use crate::store::Store;
use crate::workspace::{self, Message};

/// What every part of the daemon works with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) home: Home,
    pub(crate) store: Store,
    pub(crate) children: Children,
    pub(crate) reaches: Reaches,
}

/// All workspaces.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) shared: Arc<Shared>,
    workspaces: Mutex<BTreeMap<String, Handle>>,
    actors: Mutex<JoinSet<()>>,
    /// Held by who changes a workspace: the file and the actor get two changes in the same order.
    changing: tokio::sync::Mutex<()>,
    /// The daemon was asked to stop.
    pub(crate) stop: CancellationToken,
}

/// Speaks to a workspace's actor.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    messages: mpsc::Sender<Message>,
    pub(crate) state: watch::Receiver<WorkspaceState>,
}

/// Why a workspace was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceError {
    #[error("{0}")]
    Invalid(String),
    #[error("the workspace cannot be kept; is the disk full?")]
    Write(#[source] std::io::Error),
    #[error("its router cannot be started")]
    Router(#[from] devspace_data_plane::StartError),
    #[error("the local engine is stopping")]
    Stopping,
}

// === impl Daemon ===

impl Daemon {
    pub(crate) fn new(shared: Arc<Shared>, stop: CancellationToken) -> Self {
        Self {
            shared,
            workspaces: Mutex::default(),
            actors: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            stop,
        }
    }

    /// Brings back what an earlier daemon had. One that cannot come back is logged, and the others come.
    pub(crate) async fn restore(&self) {
        for folder in files::entries(&self.shared.home.workspaces()) {
            let Some(workspace) = files::read_json::<Workspace>(&folder.join("workspace.json")) else {
                continue;
            };
            let name = workspace.name.clone();
            if let Err(error) = self.put(workspace).await {
                tracing::warn!(name, %error, "a workspace does not come back; type `devspace local start` in it");
            }
        }
    }

    /// Makes or changes a workspace; its services start after it.
    pub(crate) async fn put(&self, workspace: Workspace) -> Result<WorkspaceState, WorkspaceError> {
        check(&workspace).map_err(WorkspaceError::Invalid)?;
        let changing = self.changing.lock().await;
        let file = self.shared.home.workspace(&workspace.name).join("workspace.json");
        files::write_json(&file, &workspace).map_err(WorkspaceError::Write)?;
        let handle = self.handle(&workspace)?;
        let (answer_tx, answer_rx) = oneshot::channel();
        let message = Message::Replace(Box::new(workspace), answer_tx);
        handle
            .messages
            .send(message)
            .await
            .map_err(|_| WorkspaceError::Stopping)?;
        drop(changing);
        answer_rx.await.map_err(|_| WorkspaceError::Stopping)
    }

    fn handle(&self, workspace: &Workspace) -> Result<Handle, WorkspaceError> {
        let mut all = self.lock();
        if self.stop.is_cancelled() {
            return Err(WorkspaceError::Stopping);
        }
        if let Some(handle) = all.get(&workspace.name) {
            return Ok(handle.clone());
        }
        let (messages, state, actor) = workspace::start(Arc::clone(&self.shared), workspace)?;
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        actors.spawn(actor);
        let handle = Handle { messages, state };
        all.insert(workspace.name.clone(), handle.clone());
        Ok(handle)
    }

    /// The state of a workspace, as it changes.
    pub(crate) fn state(&self, name: &str) -> Option<watch::Receiver<WorkspaceState>> {
        self.lock().get(name).map(|handle| handle.state.clone())
    }

    pub(crate) fn states(&self) -> Vec<WorkspaceState> {
        let all = self.lock();
        all.values().map(|handle| handle.state.borrow().clone()).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// The workspace whose space has the personal namespace.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Ends the workspace with everything of it. `false` where it is not there.
    pub(crate) async fn remove(&self, name: &str) -> bool {
        let handle = self.lock().remove(name);
        let Some(handle) = handle else { return false };
        let (done_tx, done_rx) = oneshot::channel();
        if handle.messages.send(Message::Remove(done_tx)).await.is_ok() {
            // An actor that has ended has removed nothing more than it would have.
            let _ = done_rx.await;
        }
        true
    }

    /// Ends every workspace and waits until nothing of them runs.
    pub(crate) async fn end(&self) {
        let handles: Vec<Handle> = std::mem::take(&mut *self.lock()).into_values().collect();
        for handle in &handles {
            let _ = handle.messages.send(Message::Stop).await;
        }
        let mut actors = {
            let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *actors)
        };
        while let Some(ended) = actors.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a workspace did not end well");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Handle>> {
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be known to be wrong before anything is done.
fn check(workspace: &Workspace) -> Result<(), String> {
    let name = ServiceName::try_new(&workspace.name);
    name.map_err(|error| format!("the workspace's name is no DNS label: {error}"))?;
    let mut known = Vec::new();
    for service in &workspace.services {
        let name = &service.name;
        ServiceName::try_new(name).map_err(|error| format!("a service's name is no DNS label: {error}"))?;
        if known.contains(&name) {
            return Err(format!("workspace {} has two services {name}", workspace.name));
        }
        if service.ports.is_empty() {
            return Err(format!(
                "service {name} has no port; write `ports: [8080]` in its devspace.yaml"
            ));
        }
        known.push(name);
    }
    for (path, name) in &workspace.routes {
        if !path.starts_with('/') {
            return Err(format!("the route {path} does not begin with `/`"));
        }
        if !known.contains(&name) {
            return Err(format!(
                "the route {path} leads to {name}, which is no service of the workspace"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::workspace;

    #[test]
    fn a_wrong_workspace_is_refused_by_name() {
        assert_eq!(check(&workspace(&["a"])), Ok(()));
        let wrong = |change: fn(&mut Workspace)| {
            let mut workspace = workspace(&["a"]);
            change(&mut workspace);
            check(&workspace).unwrap_err()
        };
        assert!(wrong(|w| w.name = "../x".into()).contains("DNS label"));
        assert!(wrong(|w| w.services[0].ports.clear()).contains("service a has no port"));
        assert!(wrong(|w| w.services.push(w.services[0].clone())).contains("two services a"));
        assert!(wrong(|w| drop(w.routes.insert("/x".into(), "b".into()))).contains("leads to b"));
        assert!(wrong(|w| drop(w.routes.insert("x".into(), "a".into()))).contains("begin with"));
    }
}
