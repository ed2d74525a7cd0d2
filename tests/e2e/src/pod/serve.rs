//! An HTTP server on one port: HTTP/1.1 and HTTP/2 in the clear, told apart by their first bytes.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A whole response.
pub type Answer = http::Response<Full<Bytes>>;

/// Accepts connections and answers every request with `handle`, until the listener fails.
///
/// # Errors
/// The listener no longer accepts.
pub async fn forever<H, F>(listener: TcpListener, handle: H) -> std::io::Result<()>
where
    H: Fn(http::Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let handle = handle.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = handle(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            // A client that leaves in the middle is no fault of the server.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// A response with this status and text.
#[must_use]
pub fn text(status: http::StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = http::Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer
}

/// A response with this value as JSON.
#[must_use]
pub fn json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let mut answer = text(http::StatusCode::OK, body);
            let kind = http::HeaderValue::from_static("application/json");
            answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
            answer
        }
        Err(error) => text(http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
