//! Speaks to the daemon's socket, and to services as a browser does.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use devspace_local::protocol::UPGRADE;
use devspace_sync::session::{ByteStream, Dial, DialError};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

/// Speaks to one daemon.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) socket: PathBuf,
}

/// Lines of an answer that does not end.
pub(crate) struct Lines {
    body: Incoming,
    rest: String,
    _driver: JoinSet<()>,
}

async fn send<S: ByteStream>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(http::Response<Incoming>, JoinSet<()>), hyper::Error> {
    let (mut requests, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    Ok((requests.send_request(request).await?, driver))
}

impl Client {
    pub(crate) fn new(state: &Path) -> Self {
        Self {
            socket: state.join("socket"),
        }
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Option<(http::Response<Incoming>, JoinSet<()>)> {
        let stream = UnixStream::connect(&self.socket).await.ok()?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "daemon")
            .body(Full::new(Bytes::from(serde_json::to_vec(body).unwrap())))
            .unwrap();
        send(stream, request).await.ok()
    }

    /// `None` where the daemon does not answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        let (response, _driver) = self.open(method, path, &body).await?;
        let status = response.status();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Some((
            status,
            serde_json::from_slice(&body).unwrap_or(Value::String(text)),
        ))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await.unwrap().1
    }

    pub(crate) async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, body).await.unwrap();
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    pub(crate) async fn watch(&self, path: &str) -> Lines {
        let (response, driver) = self.open(Method::GET, path, &Value::Null).await.unwrap();
        assert!(response.status().is_success(), "{path}");
        Lines {
            body: response.into_body(),
            rest: String::new(),
            _driver: driver,
        }
    }

    /// A connection to a port of a copy.
    pub(crate) async fn dial(
        &self,
        namespace: &str,
        service: &str,
        port: u16,
    ) -> Result<Box<dyn ByteStream>, String> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| error.to_string())?;
        let request = Request::get(format!("/v1/copies/{namespace}/{service}/dial/{port}"))
            .header("host", "daemon")
            .header("connection", "upgrade")
            .header("upgrade", UPGRADE)
            .body(Full::default())
            .unwrap();
        let (response, mut driver) = send(stream, request).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(response.status().to_string());
        }
        let upgraded = hyper::upgrade::on(response)
            .await
            .map_err(|error| error.to_string())?;
        driver.detach_all();
        Ok(Box::new(TokioIo::new(upgraded)))
    }
}

impl Lines {
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.rest.split_once('\n') {
                let line = line.to_owned();
                self.rest = rest.to_owned();
                return Some(line);
            }
            let frame = self.body.frame().await?.ok()?;
            let data = frame.into_data().unwrap_or_default();
            self.rest.push_str(&String::from_utf8_lossy(&data));
        }
    }
}

/// The way of a session to a copy's agent.
pub(crate) struct Way {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) service: String,
}

impl Dial for Way {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        async {
            self.client
                .dial(&self.namespace, &self.service, 18_090)
                .await
                .map_err(DialError::new)
        }
        .boxed()
    }
}

/// A request to a port of this machine: status and body. `None` where nobody answers.
pub(crate) async fn fetch(port: u16, path: &str, headers: &[(&str, &str)]) -> Option<(StatusCode, String)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let mut request = Request::get(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", format!("127.0.0.1:{port}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (response, _driver) = send(stream, request.body(Full::default()).unwrap()).await.ok()?;
    let status = response.status();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}
