//! HTTP/2 over a byte stream: both ends' settings in one place, so that they fit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::client::conn::http2::{self as client, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::task::JoinSet;

use crate::session::ByteStream;

/// Sent when nothing else is, so that load balancers and the API server keep the stream (they cut idle ones).
pub const PING_EVERY: Duration = Duration::from_secs(20);
/// A ping that is not answered for this long means that the connection is dead.
pub const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What one stream may have in flight. Bulk over a link with 40 ms round trip reaches 100 MB/s with it.
pub const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// What a connection may have in flight: unread tunnel streams do not block the others.
pub const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// A request or response body. Its error is an I/O error: all bodies here come from streams and files.
pub type Body = BoxBody<Bytes, std::io::Error>;

/// A connection to an agent. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    /// Sends requests; may be cloned.
    pub requests: SendRequest<Body>,
    driver: JoinSet<()>,
}

/// Speaks HTTP/2 (RFC 9113, section 3.3, prior knowledge) over `stream`.
///
/// # Errors
/// If the other end does not speak it.
pub async fn connect(stream: Box<dyn ByteStream>) -> Result<Connection, hyper::Error> {
    let (requests, connection) = client::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(TokioIo::new(stream))
        .await?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to the agent ended");
        }
    });
    Ok(Connection { requests, driver })
}

/// The agent's settings, the counterpart of [`connect`].
#[must_use]
pub fn server() -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

// === impl Connection ===

impl Connection {
    /// Resolves when the connection has ended.
    pub async fn closed(&mut self) {
        while self.driver.join_next().await.is_some() {}
    }
}
