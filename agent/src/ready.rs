//! Answers the kubelet's readiness probe, on a listener that answers nothing else.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A restart that takes longer takes the copy out of the route; until then the router holds requests.
pub const RESTART_PATIENCE: Duration = Duration::from_secs(10);
/// A probe that does not send its request within this time is cut.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// What readiness depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// The program has not listened yet, or ended by itself.
    #[default]
    Down,
    /// It listens on all its ports.
    Live,
    /// It was live and is being restarted since then.
    Restarting(Instant),
}

/// The probe's answer: a restart in progress does not take the copy out of its Service.
#[must_use]
pub fn is_ready(readiness: Readiness, now: Instant) -> bool {
    match readiness {
        Readiness::Down => false,
        Readiness::Live => true,
        Readiness::Restarting(since) => now.saturating_duration_since(since) < RESTART_PATIENCE,
    }
}

/// Serves `GET /ready` until it is dropped.
pub async fn serve(listener: TcpListener, readiness: watch::Receiver<Readiness>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the readiness listener failed to accept");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let readiness = readiness.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let ready = is_ready(*readiness.borrow(), Instant::now());
                async move { Ok::<_, Infallible>(respond(&request, ready)) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), answer);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a readiness probe broke off");
            }
        });
    }
}

fn respond(request: &Request<Incoming>, ready: bool) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/ready") if ready => (StatusCode::OK, "ready\n"),
        (&Method::GET, "/ready") => (StatusCode::SERVICE_UNAVAILABLE, "the program does not listen\n"),
        _ => (StatusCode::NOT_FOUND, "not found\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_keeps_the_route_for_a_while() {
        let start = Instant::now();
        assert!(!is_ready(Readiness::Down, start));
        assert!(is_ready(Readiness::Live, start));
        assert!(is_ready(
            Readiness::Restarting(start),
            start + Duration::from_secs(9)
        ));
        assert!(!is_ready(
            Readiness::Restarting(start),
            start + Duration::from_secs(10)
        ));
    }
}
