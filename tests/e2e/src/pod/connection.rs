//! One connection of a client: HTTP/1.1 or HTTP/2, opened once and used for one request after the other.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::wire::{Protocol, Request, Response};

/// How long a request may take, its connection included, if it does not say.
pub const LIMIT: Duration = Duration::from_secs(5);

/// Why a request brought no response.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The connection was not opened.
    #[error("connect: {0}")]
    Connect(String),
    /// The connection was open, and the request or its response broke off.
    #[error("broken: {0}")]
    Broken(String),
    /// No whole response in time.
    #[error("no response in time")]
    Late,
    /// The request cannot be made: a mistake of the test.
    #[error("bad request: {0}")]
    Invalid(String),
}

impl Lost {
    /// One word for counting.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Broken(_) => "broken",
            Self::Late => "late",
            Self::Invalid(_) => "invalid",
        }
    }
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// An open connection. Dropping it closes it.
pub struct Connection {
    sender: Sender,
    // Drives the connection, and ends with it.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Opens a connection for requests of this protocol. Cancel safe: nothing stays open.
    ///
    /// # Errors
    /// [`Lost::Connect`], or [`Lost::Invalid`] for a WebSocket, which is no connection for requests.
    pub async fn open(address: &str, protocol: Protocol) -> Result<Self, Lost> {
        let connect = |error: &dyn std::error::Error| Lost::Connect(chain(error));
        let stream = TcpStream::connect(address).await.map_err(|e| connect(&e))?;
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(stream);
        let mut driver = JoinSet::new();
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.map_err(|e| connect(&e))?;
                driver.spawn(async move {
                    let _ = connection.await;
                });
                Sender::Http1(sender)
            }
            Protocol::H2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io)
                    .await
                    .map_err(|e| connect(&e))?;
                driver.spawn(async move {
                    let _ = connection.await;
                });
                Sender::H2(sender)
            }
            Protocol::Ws => return Err(Lost::Invalid("a WebSocket carries no requests".into())),
        };
        Ok(Self {
            sender,
            _driver: driver,
        })
    }

    /// Whether the other side has closed the connection, so that the next request needs a new one.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::H2(sender) => sender.is_closed(),
        }
    }

    /// Waits until the connection takes the next request. Answers whether it does.
    pub async fn is_ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::H2(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends one request and reads the whole response.
    ///
    /// # Errors
    /// [`Lost`]; the connection is then of no more use.
    pub async fn send(&mut self, request: http::Request<Full<Bytes>>) -> Result<Response, Lost> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => sender.send_request(request).await,
            Sender::H2(sender) => sender.send_request(request).await,
        };
        let (parts, body) = response.map_err(|e| Lost::Broken(chain(&e)))?.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|e| Lost::Broken(chain(&e)))?
            .to_bytes();
        Ok(Response {
            status: parts.status.as_u16(),
            headers: headers(&parts.headers),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// The request in the form that `protocol` asks for.
///
/// # Errors
/// [`Lost::Invalid`] with what is wrong.
pub fn build(request: &Request) -> Result<http::Request<Full<Bytes>>, Lost> {
    let host = if request.host.is_empty() {
        &request.address
    } else {
        &request.host
    };
    let method = if request.method.is_empty() {
        "GET"
    } else {
        &request.method
    };
    let builder = http::Request::builder().method(method);
    let mut builder = match request.protocol {
        Protocol::H2 => builder
            .version(http::Version::HTTP_2)
            .uri(format!("http://{host}{}", request.path)),
        Protocol::Http1 | Protocol::Ws => builder.uri(&request.path).header(http::header::HOST, host),
    };
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    builder.body(body).map_err(|e| Lost::Invalid(e.to_string()))
}

/// Opens a connection, sends the request and closes, all within the request's limit.
///
/// # Errors
/// [`Lost`].
pub async fn once(request: &Request) -> Result<Response, Lost> {
    let built = build(request)?;
    let work = async {
        let mut connection = Connection::open(&request.address, request.protocol).await?;
        connection.send(built).await
    };
    timeout(limit(request), work).await.unwrap_or(Err(Lost::Late))
}

/// How long this request may take.
#[must_use]
pub fn limit(request: &Request) -> Duration {
    match request.limit_seconds {
        0 => LIMIT,
        seconds => Duration::from_secs(seconds),
    }
}

/// Headers by lower-case name; values of one name are joined.
#[must_use]
pub fn headers(map: &http::HeaderMap) -> std::collections::BTreeMap<String, String> {
    let mut found = std::collections::BTreeMap::<String, String>::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        let entry = found.entry(name.as_str().to_owned()).or_default();
        if !entry.is_empty() {
            entry.push_str(", ");
        }
        entry.push_str(&value);
    }
    found
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
