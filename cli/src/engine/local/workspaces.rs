//! The workspaces of the daemon, and its end.

use devspace_local::protocol::{Workspace, WorkspaceState};
use futures::stream::BoxStream;
use hyper::Method;

use super::Local;
use super::request::{Ask, Client, get, json, path};
use super::watch::watch;
use crate::engine::EngineError;

/// Every workspace of the daemon.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn workspaces(local: &Local) -> Result<Vec<WorkspaceState>, EngineError> {
    get(&local.client, "/v1/workspaces").await
}

/// Gives the daemon `workspace`, new or changed. Its services start after the answer.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn put_workspace(
    local: &Local,
    workspace: &Workspace,
) -> Result<WorkspaceState, EngineError> {
    let path = path(&["workspaces", &workspace.name]);
    json(&local.client, Method::PUT, &path, Some(workspace), None).await
}

/// How the workspace stands, now and after each change.
pub(crate) fn watch_workspace(
    local: &Local,
    name: &str,
) -> BoxStream<'static, Result<WorkspaceState, EngineError>> {
    watch(local.client.clone(), path(&["workspaces", name, "watch"]))
}

/// Asks the daemon to stop. It does so after its answer.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn ask_to_stop(client: &Client) -> Result<(), EngineError> {
    let ask = Ask {
        method: Method::POST,
        path: "/v1/stop",
        upgrade: None,
        body: None,
        attempt: None,
    };
    client.send(ask).await.map(drop)
}
