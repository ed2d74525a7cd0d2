//! The admin port: health, readiness, metrics, routes, and the controller's long polls. Read only.

mod poll;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use devspace_data_plane::Tables;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

type Answer = Response<Full<Bytes>>;

/// What the admin port shows.
pub(crate) struct Admin {
    pub(crate) tables: Arc<Tables>,
    pub(crate) registry: Registry,
    /// A table is there and the router does not drain.
    pub(crate) ready_rx: watch::Receiver<bool>,
    pub(crate) draining_rx: watch::Receiver<bool>,
}

/// Serves until it is dropped.
pub(crate) async fn serve(admin: Arc<Admin>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    connections.spawn(connection(Arc::clone(&admin), socket, peer));
                }
                Err(error) => {
                    warn!(%error, "accepting on the admin port failed");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(admin: Arc<Admin>, socket: TcpStream, peer: SocketAddr) {
    let service = service_fn(|request| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(answer(&admin, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = served.await {
        debug!(%peer, %error, "admin connection ended");
    }
}

async fn answer(admin: &Admin, request: &Request<Incoming>) -> Answer {
    if request.method() != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    }
    match request.uri().path() {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" => ready(admin),
        "/metrics" => metrics(admin),
        "/routes" => routes(admin),
        "/applied" => poll::applied(admin, request.uri().query().unwrap_or_default()).await,
        "/removed" => poll::removed(admin, request.uri().query().unwrap_or_default()).await,
        _ => text(StatusCode::NOT_FOUND, "not found\n"),
    }
}

fn ready(admin: &Admin) -> Answer {
    if *admin.draining_rx.borrow() {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if *admin.ready_rx.borrow() {
        text(StatusCode::OK, "ok\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "no table yet\n")
    }
}

fn metrics(admin: &Admin) -> Answer {
    let mut body = String::new();
    // Writing to a String does not fail.
    let _ = prometheus_client::encoding::text::encode(&mut body, &admin.registry);
    let mut answer = text(StatusCode::OK, body);
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn routes(admin: &Admin) -> Answer {
    match serde_json::to_vec(admin.tables.load().as_ref()) {
        Ok(body) => {
            let mut answer = Response::new(Full::new(Bytes::from(body)));
            answer
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            answer
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    answer
}
