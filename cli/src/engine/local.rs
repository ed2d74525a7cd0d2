//! The engine `local`: processes on this machine, kept by a daemon of the user's own.
//!
//! This is the client. `devspace_local::protocol` says what the two say to each other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use devspace_api::names::Discovery;
use devspace_api::{Baseline, ServiceCopy, Space};
use devspace_local::protocol::{Daemon, PROTOCOL, SOCKET, WorkspaceState};
use devspace_sync::session::Dial;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{At, CopyRef, Engine, EngineError, Exec, Identity, LogQuery, LogStream, Store};

mod dial;
mod exec;
mod lines;
mod logs;
mod paths;
mod request;
mod store;
#[cfg(test)]
mod tests;
mod watch;
mod workspaces;

pub(crate) use request::{Client, get};
pub(crate) use workspaces::{ask_to_stop, put_workspace, watch_workspace, workspaces};

/// The daemon of this user.
#[derive(Clone)]
pub(crate) struct Local {
    client: Client,
    identity: Arc<Identity>,
    daemon: Arc<Daemon>,
}

/// Asks the daemon of the state folder `state` who it is.
///
/// # Errors
/// [`EngineError::NotRunning`]; [`EngineError::OtherProtocol`], if it is of another version.
pub(crate) async fn connect(state: &Path) -> Result<Local, EngineError> {
    let client = Client::new(state.join(SOCKET));
    let daemon: Daemon = get(&client, "/v1/daemon").await?;
    if daemon.protocol != PROTOCOL {
        return Err(EngineError::OtherProtocol {
            version: daemon.version,
            protocol: daemon.protocol,
            pid: daemon.pid,
        });
    }
    let identity = Identity {
        engine: Identity::LOCAL,
        context: Identity::LOCAL.to_owned(),
        server: client.socket().display().to_string(),
        namespace: String::new(),
    };
    Ok(Local {
        client,
        identity: Arc::new(identity),
        daemon: Arc::new(daemon),
    })
}

impl Local {
    /// What the daemon says of itself.
    pub(crate) fn daemon(&self) -> &Daemon {
        &self.daemon
    }
}

impl Engine for Local {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn user(&self) -> BoxFuture<'_, Result<String, EngineError>> {
        std::future::ready(Ok(self.daemon.user.clone())).boxed()
    }

    fn discover(&self) -> BoxFuture<'_, Result<BTreeMap<String, Discovery>, EngineError>> {
        async {
            let workspaces = workspaces(self).await?;
            let host = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_owned();
            let entry = |workspace: WorkspaceState| {
                let hosts = vec![host(&workspace.url)];
                (workspace.name, Discovery { hosts })
            };
            Ok(workspaces.into_iter().map(entry).collect())
        }
        .boxed()
    }

    fn baselines(&self) -> &dyn Store<Baseline> {
        self
    }

    fn spaces(&self) -> &dyn Store<Space> {
        self
    }

    fn copies(&self) -> &dyn Store<ServiceCopy> {
        self
    }

    fn dial(&self, copy: &CopyRef, port: u16) -> Arc<dyn Dial> {
        Arc::new(dial::CopyDial::new(self.client.clone(), copy.clone(), port))
    }

    fn logs<'a>(
        &'a self,
        copy: &'a CopyRef,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<LogStream, EngineError>> {
        logs::logs(&self.client, copy, query).boxed()
    }

    fn exec<'a>(
        &'a self,
        copy: &'a CopyRef,
        command: &'a [String],
        _tty: bool,
    ) -> BoxFuture<'a, Result<Exec, EngineError>> {
        exec::exec(&self.client, copy, command).boxed()
    }

    fn troubles<'a>(&'a self, copy: &'a CopyRef) -> BoxFuture<'a, Result<Vec<String>, EngineError>> {
        async {
            let at = At {
                namespace: copy.namespace.clone(),
                name: copy.service.clone(),
            };
            let found = self.copies().get(&at).await?;
            let pod = found.and_then(|copy| copy.status).and_then(|status| status.pod);
            Ok(pod
                .map(|pod| pod.trouble)
                .filter(|trouble| !trouble.is_empty())
                .into_iter()
                .collect())
        }
        .boxed()
    }
}
