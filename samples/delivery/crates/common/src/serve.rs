//! Serving HTTP: one log line a request, the route context at hand, and a drain that loses no request.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use http::StatusCode;
use http::header::{CONNECTION, HeaderValue};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::context::{CallContext, CarrierList};
use crate::problem::{self, Problem};
use crate::settings::Settings;

/// How long requests in flight may take to end once the listener is gone.
const LAST_REQUESTS: Duration = Duration::from_millis(800);

/// What the middleware of a service knows.
#[derive(Debug, Clone)]
pub struct Observer {
    carriers: CarrierList,
    draining: Arc<AtomicBool>,
}

impl Observer {
    /// An observer that forwards the headers of this list.
    #[must_use]
    pub fn new(carriers: CarrierList) -> Self {
        Self {
            carriers,
            draining: Arc::default(),
        }
    }
}

/// Why a service stopped serving.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The port cannot be listened on.
    #[error("cannot listen on port {port}")]
    Bind {
        /// The port.
        port: u16,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The process cannot be told about signals.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The listening socket failed.
    #[error("the listening socket failed")]
    Listen(#[source] io::Error),
}

/// Adds the answers for unknown paths and wrong verbs, the call context and the log line to a service's routes.
pub fn observed(routes: Router, observer: &Observer) -> Router {
    routes
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND).into_response() })
        .method_not_allowed_fallback(|| async { Problem::new(StatusCode::METHOD_NOT_ALLOWED) })
        .layer(from_fn_with_state(observer.clone(), observe))
}

async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = CallContext::of_request(request.headers(), &observer.carriers);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .headers()
        .get("devspace-route-as")
        .and_then(|key| key.to_str().ok())
        .map(str::to_owned);
    request.extensions_mut().insert(context.clone());
    let mut response = problem::written(next.run(request).await, context.correlation());
    if observer.draining.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    tracing::info!(
        method = method.as_str(),
        path,
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        correlation_id = context.correlation(),
        route,
        "request"
    );
    response
}

/// Serves until SIGTERM or SIGINT, then drains and returns within the drain time and 800 ms.
///
/// While it drains it still accepts connections, and every answer asks its client to close. So a client that keeps
/// connections open learns of the end from an answer and never from a connection closed under its next request.
///
/// # Errors
/// The port cannot be bound, signals cannot be listened for, or the listening socket fails.
pub async fn serve(app: Router, settings: &Settings, observer: &Observer) -> Result<(), ServeError> {
    let port = settings.port;
    let socket = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .await
        .map_err(|source| ServeError::Bind { port, source })?;
    let bound = socket.local_addr().map_err(ServeError::Listen)?.port();
    // Small answers leave at once instead of waiting for an acknowledgement.
    let listener = socket.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    // The bound port, which differs from the setting where that is 0.
    tracing::info!(port = bound, "listening");

    let (closing, closed) = tokio::sync::oneshot::channel::<()>();
    let (draining, drain) = (Arc::clone(&observer.draining), settings.drain);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("draining");
        draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(drain).await;
        // The receiver is gone only when serving has ended already.
        let _ended = closing.send(());
    };
    let overdue = async {
        match closed.await {
            Ok(()) => tokio::time::sleep(LAST_REQUESTS).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = axum::serve(listener, app).with_graceful_shutdown(stop).into_future() => {
            ended.map_err(ServeError::Listen)?;
        }
        () = overdue => tracing::warn!("requests were still in flight at the end of the drain"),
    }
    tracing::info!("stopped");
    Ok(())
}
