//! Answers the kubelet's readiness probe, on a listener that answers nothing else but the same as a stream.
//!
//! `GET /ready` is the probe. `GET /watch` is for the local engine: a line `ready`, `down` or `restarting` now and at
//! each change; each further `down` is one end of the program by itself.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::listener::Listener;

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

/// Serves `GET /ready` and `GET /watch` until it is dropped.
pub async fn serve(listener: Listener, readiness: watch::Receiver<Readiness>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "the readiness listener failed to accept");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let readiness = readiness.clone();
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let response = respond(&request, &readiness);
                async move { Ok::<_, Infallible>(response) }
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

fn respond(
    request: &Request<Incoming>,
    readiness: &watch::Receiver<Readiness>,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let ready = is_ready(*readiness.borrow(), Instant::now());
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/ready") if ready => (StatusCode::OK, "ready\n"),
        (&Method::GET, "/ready") => (StatusCode::SERVICE_UNAVAILABLE, "the program does not listen\n"),
        (&Method::GET, "/watch") => return Response::new(changes(readiness.clone())),
        _ => (StatusCode::NOT_FOUND, "not found\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A line now and at each change, until the program's supervisor is gone.
fn changes(mut readiness: watch::Receiver<Readiness>) -> UnsyncBoxBody<Bytes, Infallible> {
    readiness.mark_changed();
    let lines = stream::unfold(readiness, |mut readiness| async {
        readiness.changed().await.ok()?;
        let line = match *readiness.borrow_and_update() {
            Readiness::Down => "down\n",
            Readiness::Live => "ready\n",
            Readiness::Restarting(_) => "restarting\n",
        };
        let frame = Frame::data(Bytes::from_static(line.as_bytes()));
        Some((Ok::<_, Infallible>(frame), readiness))
    });
    BodyExt::boxed_unsync(StreamBody::new(lines))
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

    #[tokio::test]
    async fn a_watcher_hears_every_change() {
        let (readiness_tx, readiness_rx) = watch::channel(Readiness::Down);
        let mut body = changes(readiness_rx);
        let mut lines = Vec::new();
        for next in [
            Some(Readiness::Live),
            Some(Readiness::Restarting(Instant::now())),
            Some(Readiness::Down),
            Some(Readiness::Down),
            None,
        ] {
            let frame = body.frame().await.unwrap().unwrap();
            lines.push(frame.into_data().unwrap());
            if let Some(next) = next {
                readiness_tx.send_replace(next);
            }
        }
        assert_eq!(lines, ["down\n", "ready\n", "restarting\n", "down\n", "down\n"]);
        drop(readiness_tx);
        assert!(body.frame().await.is_none());
    }
}
