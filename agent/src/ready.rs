//! Answers the kubelet's readiness probe, on a listener that answers nothing else.
//!
//! `GET /ready` is the probe. `GET /watch` is for the local engine, by a Unix socket only: a line `ready`, `down` or
//! `restarting` now and at each change. Each further `down` is one end of the program by itself, and carries the event
//! that tells it as JSON.

use std::convert::Infallible;
use std::sync::Arc;
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

use crate::events::EventLog;
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

/// Serves `GET /ready`, and `GET /watch` by a Unix socket, until it is dropped.
pub async fn serve(listener: Listener, readiness: watch::Receiver<Readiness>, log: Arc<EventLog>) {
    let mut connections = JoinSet::new();
    // A pod's listener is open to everybody, and what the program wrote last is not for everybody.
    let log = matches!(listener, Listener::Unix(_)).then_some(log);
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
        let (readiness, log) = (readiness.clone(), log.clone());
        connections.spawn(async move {
            let answer = service_fn(move |request| {
                let response = respond(&request, &readiness, log.as_ref());
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
    log: Option<&Arc<EventLog>>,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let path = (request.method(), request.uri().path());
    if let ((&Method::GET, "/watch"), Some(log)) = (path, log) {
        return Response::new(changes(readiness.clone(), Arc::clone(log)));
    }
    let ready = is_ready(*readiness.borrow(), Instant::now());
    let (status, text) = match path {
        (&Method::GET, "/ready") if ready => (StatusCode::OK, "ready\n"),
        (&Method::GET, "/ready") => (StatusCode::SERVICE_UNAVAILABLE, "the program does not listen\n"),
        _ => (StatusCode::NOT_FOUND, "not found\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A line now and at each change, until the program's supervisor is gone.
fn changes(
    mut readiness: watch::Receiver<Readiness>,
    log: Arc<EventLog>,
) -> UnsyncBoxBody<Bytes, Infallible> {
    readiness.mark_changed();
    let lines = stream::unfold((readiness, log), |(mut readiness, log)| async {
        readiness.changed().await.ok()?;
        let line = match *readiness.borrow_and_update() {
            Readiness::Down => down(&log),
            Readiness::Live => "ready\n".to_owned(),
            Readiness::Restarting(_) => "restarting\n".to_owned(),
        };
        let frame = Frame::data(Bytes::from(line));
        Some((Ok::<_, Infallible>(frame), (readiness, log)))
    });
    BodyExt::boxed_unsync(StreamBody::new(lines))
}

fn down(log: &EventLog) -> String {
    let exit = log
        .last_exit()
        .and_then(|event| serde_json::to_string(&event).ok());
    exit.map_or_else(|| "down\n".to_owned(), |exit| format!("down {exit}\n"))
}

#[cfg(test)]
mod tests {
    use devspace_sync::protocol::AgentEvent;
    use devspace_sync::session::Exit;
    use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

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

    /// The answer's first line to a request for `path`.
    async fn first_line(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    #[tokio::test]
    async fn the_stream_is_not_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("r");
        let unix = UnixListener::bind(&socket).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (_readiness_tx, readiness_rx) = watch::channel(Readiness::Live);
        let log = Arc::new(EventLog::default());
        let mut servers = JoinSet::new();
        servers.spawn(serve(unix.into(), readiness_rx.clone(), Arc::clone(&log)));
        servers.spawn(serve(tcp.into(), readiness_rx, log));
        let near = || UnixStream::connect(&socket);
        let far = || TcpStream::connect(address);
        assert_eq!(
            first_line(near().await.unwrap(), "/watch").await,
            "HTTP/1.1 200 OK"
        );
        assert_eq!(
            first_line(far().await.unwrap(), "/ready").await,
            "HTTP/1.1 200 OK"
        );
        let refused = first_line(far().await.unwrap(), "/watch").await;
        assert_eq!(refused, "HTTP/1.1 404 Not Found");
    }

    #[tokio::test]
    async fn a_watcher_hears_every_change() {
        let (readiness_tx, readiness_rx) = watch::channel(Readiness::Down);
        let log = Arc::new(EventLog::default());
        let mut body = changes(readiness_rx, Arc::clone(&log));
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
                if lines.len() == 3 {
                    log.push(AgentEvent::Exited {
                        exit: Exit::Code(9),
                        last_lines: vec!["boom".to_owned()],
                        crash_loop: false,
                    });
                }
                readiness_tx.send_replace(next);
            }
        }
        let exit = r#"down {"event":"exited","exit":{"code":9},"lastLines":["boom"],"crashLoop":false}"#;
        let wanted = ["down", "ready", "restarting", exit, exit].map(|line| format!("{line}\n"));
        assert_eq!(lines, wanted);
        drop(readiness_tx);
        assert!(body.frame().await.is_none());
    }
}
