//! The admin port: health, readiness, metrics. Read-only.

use std::convert::Infallible;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::Client;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// How many connections are served at once. The kubelet and one scraper need two.
const CONNECTIONS: usize = 64;

/// Answers on `listener` until `stop` ends.
pub(crate) async fn serve(listener: TcpListener, metrics: Metrics, client: Client, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "admin connection not accepted");
                    continue;
                }
            },
        };
        connections.spawn(connection(stream, metrics.clone(), client.clone()));
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, metrics: Metrics, client: Client) {
    let service = service_fn(|request: Request<Incoming>| {
        let (metrics, client) = (metrics.clone(), client.clone());
        async move { Ok::<_, Infallible>(answer(&request, &metrics, &client).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "admin connection ended");
    }
}

async fn answer(request: &Request<Incoming>, metrics: &Metrics, client: &Client) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET, "/readyz") => match client.apiserver_version().await {
            Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
            Err(error) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the API server does not answer: {error}\n"),
            ),
        },
        (&Method::GET, "/metrics") => (StatusCode::OK, metrics.text()),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}
