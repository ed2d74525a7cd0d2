//! Answers the socket: what `protocol` promises.

mod answer;
mod copies;
mod objects;

use std::convert::Infallible;
use std::sync::Arc;

use futures::stream;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::daemon::{Daemon, WorkspaceError};
use crate::protocol::{self, PROTOCOL, Workspace};

use answer::{Answer, Refusal, json, lines, read};

/// Serves connections until it is dropped.
pub(crate) async fn serve(listener: UnixListener, daemon: Arc<Daemon>) {
    let mut connections = JoinSet::new();
    let relays = TaskTracker::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the socket failed to accept");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let (daemon, relays) = (Arc::clone(&daemon), relays.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let (daemon, relays) = (Arc::clone(&daemon), relays.clone());
                async move { Ok::<_, Infallible>(answer(&daemon, &relays, request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of the CLI ended");
            }
        });
    }
}

async fn answer(daemon: &Arc<Daemon>, relays: &TaskTracker, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let method = request.method().clone();
    let answered = match parts.as_slice() {
        ["v1", "daemon"] if method == Method::GET => json(StatusCode::OK, &describe(daemon)),
        ["v1", "stop"] if method == Method::POST => {
            daemon.stop.cancel();
            json(StatusCode::ACCEPTED, &())
        }
        ["v1", "workspaces", rest @ ..] => workspaces(daemon, rest, request).await,
        ["v1", "copies", namespace, service, rest @ ..] if method == Method::GET => {
            copies::answer(daemon, relays, (namespace, service), rest, request).await
        }
        ["v1", plural, rest @ ..] => objects::answer(daemon, plural, rest, request).await,
        _ => Err(Refusal::unknown()),
    };
    answered.unwrap_or_else(Refusal::response)
}

fn describe(daemon: &Daemon) -> protocol::Daemon {
    protocol::Daemon {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        state: daemon.shared.home.folder().to_owned(),
        user: daemon.shared.settings.user.clone(),
    }
}

async fn workspaces(
    daemon: &Arc<Daemon>,
    rest: &[&str],
    request: Request<Incoming>,
) -> Result<Response<Answer>, Refusal> {
    let gone = |name: &str| {
        Refusal::not_found(format!(
            "there is no workspace {name}; type `devspace local start`"
        ))
    };
    match (request.method().clone(), rest) {
        (Method::GET, []) => json(StatusCode::OK, &daemon.states()),
        (Method::PUT, [name]) => {
            let workspace: Workspace = read(request).await?;
            if workspace.name != *name {
                let message = format!("the path names {name}, the workspace is {}", workspace.name);
                return Err(Refusal::invalid(message));
            }
            json(StatusCode::OK, &daemon.put(workspace).await?)
        }
        (Method::DELETE, [name]) => {
            if daemon.remove(name).await {
                json(StatusCode::OK, &())
            } else {
                Err(gone(name))
            }
        }
        (Method::GET, [name, "watch"]) => {
            let mut states = daemon.state(name).ok_or_else(|| gone(name))?;
            states.mark_changed();
            Ok(lines(stream::unfold(states, |mut states| async {
                states.changed().await.ok()?;
                let text = serde_json::to_string(&*states.borrow_and_update()).ok()?;
                Some((text, states))
            })))
        }
        _ => Err(Refusal::unknown()),
    }
}

impl From<WorkspaceError> for Refusal {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Invalid(message) => Self::invalid(message),
            WorkspaceError::Write(_) | WorkspaceError::Router(_) | WorkspaceError::Stopping => {
                Self::failed(&error)
            }
        }
    }
}
