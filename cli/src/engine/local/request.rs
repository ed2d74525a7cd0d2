//! One request to the daemon: a connection each, since a Unix socket costs microseconds.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use devspace_local::protocol::Fault;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::engine::{Attempt, EngineError};

/// How long the daemon may take to begin its answer. It answers from memory.
const ANSWERS: Duration = Duration::from_secs(10);
/// What stands as it is in a segment of a path (RFC 3986, unreserved characters).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The way to a daemon. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    socket: Arc<Path>,
}

/// An answer whose body is still to come. Dropping it closes the connection.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) connection: JoinSet<()>,
}

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// Upgrade the connection to this.
    pub(super) upgrade: Option<&'static str>,
    pub(super) body: Option<Vec<u8>>,
    /// What it is about, for a failure.
    pub(super) attempt: Option<Box<Attempt>>,
}

impl Client {
    /// The daemon behind `socket`. Nothing is sent.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends `ask` and waits for the head of a success.
    pub(super) async fn send(&self, ask: Ask<'_>) -> Result<Answer, EngineError> {
        let mut answer = tokio::time::timeout(ANSWERS, self.exchange(&ask))
            .await
            .unwrap_or_else(|_| Err(self.broken("the local engine does not answer")))?;
        let status = answer.response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer);
        }
        let body = answer.response.body_mut().collect().await;
        let body = body.map_err(|error| self.broken(error))?.to_bytes();
        let fault = serde_json::from_slice(&body).unwrap_or_else(|_| Fault {
            code: String::new(),
            message: String::from_utf8_lossy(&body).into_owned(),
        });
        Err(refused(status, fault, ask))
    }

    async fn exchange(&self, ask: &Ask<'_>) -> Result<Answer, EngineError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| self.unconnected(source))?;
        let (mut sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error))?;
        let mut connection = JoinSet::new();
        connection.spawn(async move {
            if let Err(error) = driver.with_upgrades().await {
                tracing::debug!(%error, "a connection to the local engine ended");
            }
        });
        let request = request(ask).map_err(|error| self.broken(error))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| self.broken(error))?;
        Ok(Answer { response, connection })
    }

    /// A socket that is not there, or that nobody listens on, means that no daemon runs.
    fn unconnected(&self, source: io::Error) -> EngineError {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
                EngineError::NotRunning
            }
            _ => self.broken(source),
        }
    }

    /// The connection cannot be made or broke.
    pub(super) fn broken(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EngineError {
        EngineError::Daemon {
            socket: self.socket.to_path_buf(),
            source: source.into(),
        }
    }
}

fn request(ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::builder()
        .method(ask.method.clone())
        .uri(ask.path)
        .header(header::HOST, "local");
    if let Some(upgrade) = ask.upgrade {
        request = request
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, upgrade);
    }
    if ask.body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(Full::new(ask.body.clone().unwrap_or_default().into()))
}

/// What the daemon's refusal means.
fn refused(status: StatusCode, fault: Fault, ask: Ask<'_>) -> EngineError {
    match (fault.code.as_str(), ask.attempt) {
        ("notFound", Some(attempt)) => EngineError::NotFound { attempt },
        ("conflict", Some(attempt)) => EngineError::Conflict { attempt },
        ("failed", _) => EngineError::LocalFailed {
            message: fault.message,
        },
        _ if status.is_server_error() && fault.code.is_empty() => EngineError::LocalFailed {
            message: fault.message,
        },
        _ => EngineError::LocalRefused {
            message: fault.message,
        },
    }
}

/// A path of the protocol whose segments are `parts`.
pub(super) fn path(parts: &[&str]) -> String {
    let parts = parts
        .iter()
        .map(|part| utf8_percent_encode(part, SEGMENT).to_string());
    format!("/v1/{}", parts.collect::<Vec<_>>().join("/"))
}

/// What is at `path`.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, EngineError> {
    json(client, Method::GET, path, None::<&()>, None).await
}

/// Sends `body` and reads the answer as JSON.
pub(super) async fn json<T: DeserializeOwned>(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&(impl Serialize + Sync)>,
    attempt: Option<Box<Attempt>>,
) -> Result<T, EngineError> {
    let body = body
        .map(serde_json::to_vec)
        .transpose()
        .map_err(|error| client.broken(error))?;
    let ask = Ask {
        method,
        path,
        upgrade: None,
        body,
        attempt,
    };
    let answer = client.send(ask).await?;
    let body = answer.response.into_body().collect().await;
    let body = body.map_err(|error| client.broken(error))?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| client.broken(error))
}
