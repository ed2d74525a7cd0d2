//! Connections to endpoints: one pool per thread, so that taking one needs no lock.
//!
//! HTTP/1.1: the last used idle connection first, used again while it is young, ready and, for a request that
//! cannot be sent twice, proven open by a look at the socket. HTTP/2: one connection per endpoint, shared.

mod connect;
mod io;
mod probe;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io as std_io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::body::RequestBody;
use crate::metrics::Metrics;
use crate::settings::Settings;

pub(crate) use connect::tune;

/// The connections of one thread.
pub(crate) struct Pool {
    endpoints: RefCell<HashMap<SocketAddr, Rc<Endpoint>>>,
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
}

/// What the pool keeps of one endpoint.
#[derive(Default)]
struct Endpoint {
    idle: RefCell<Vec<Idle>>,
    shared: tokio::sync::Mutex<Option<SharedConnection>>,
    state: RefCell<EndpointState>,
}

#[derive(Default)]
struct EndpointState {
    /// What the endpoint answered to an HTTP/2 preface.
    speaks_http2: Option<bool>,
    penalty_until: Option<Instant>,
    used: Option<Instant>,
}

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    socket: Arc<TcpStream>,
    since: Instant,
}

#[derive(Clone)]
struct SharedConnection(http2::SendRequest<RequestBody>);

/// The version of HTTP that a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, and nothing less.
    Http2,
    /// HTTP/2 where the endpoint speaks it, else HTTP/1.1.
    Http2IfSpoken,
}

/// How a connection may be reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// An idle one that is not known to be closed: the request can be sent again.
    Likely,
    /// An idle one whose socket was looked at.
    Proven,
    /// None.
    Never,
}

/// A connection that one request uses.
pub(crate) struct Lease {
    kind: Kind,
    endpoint: Rc<Endpoint>,
    limit: usize,
}

enum Kind {
    Http1(http1::SendRequest<RequestBody>, Arc<TcpStream>),
    Http2(http2::SendRequest<RequestBody>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The endpoint refused, or is not reachable.
    #[error("the endpoint did not take the connection")]
    Refused(#[source] std_io::Error),
    /// No answer in time.
    #[error("the endpoint did not answer to connecting in time")]
    TimedOut,
    /// The endpoint does not speak HTTP/2, and nothing less will do.
    #[error("the endpoint does not speak HTTP/2")]
    NotHttp2,
    /// The handshake failed.
    #[error("the handshake failed")]
    Handshake(#[source] hyper::Error),
}

// === impl Pool ===

impl Pool {
    pub(crate) fn new(settings: Arc<Settings>, metrics: Arc<Metrics>, tasks: TaskTracker) -> Self {
        Self {
            endpoints: RefCell::default(),
            settings,
            metrics,
            tasks,
        }
    }

    /// A connection to `address`.
    pub(crate) async fn lease(
        &self,
        address: SocketAddr,
        wanted: Wanted,
        reuse: Reuse,
    ) -> Result<Lease, ConnectError> {
        let endpoint = self.endpoint(address);
        let kind = match wanted {
            Wanted::Http1 => self.http1(&endpoint, address, reuse).await?,
            Wanted::Http2 => self.http2(&endpoint, address, probe::Proof::Unneeded).await?,
            Wanted::Http2IfSpoken => {
                let known = endpoint.state.borrow().speaks_http2;
                match known {
                    Some(false) => self.http1(&endpoint, address, reuse).await?,
                    Some(true) | None => match self.http2(&endpoint, address, probe::Proof::Needed).await {
                        Err(ConnectError::NotHttp2) => self.http1(&endpoint, address, reuse).await?,
                        other => other?,
                    },
                }
            }
        };
        endpoint.state.borrow_mut().used = Some(Instant::now());
        Ok(Lease {
            kind,
            endpoint,
            limit: self.settings.idle_per_endpoint,
        })
    }

    /// A plain connection to `address`, for opaque bytes.
    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<TcpStream, ConnectError> {
        let endpoint = self.endpoint(address);
        self.dial(&endpoint, address).await
    }

    /// Whether `address` lately did not answer to connecting, so that others are tried before it.
    pub(crate) fn is_penalised(&self, address: SocketAddr) -> bool {
        let endpoints = self.endpoints.borrow();
        let until = endpoints
            .get(&address)
            .and_then(|endpoint| endpoint.state.borrow().penalty_until);
        until.is_some_and(|until| until > Instant::now())
    }

    /// Closes what was idle for too long and forgets endpoints that nobody uses.
    pub(crate) fn reap(&self) {
        let waits = &self.settings.waits;
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            let mut idle = endpoint.idle.borrow_mut();
            idle.retain(|idle| idle.since.elapsed() < waits.upstream_idle && !idle.sender.is_closed());
            let unused = endpoint
                .state
                .borrow()
                .used
                .is_none_or(|at| at.elapsed() > waits.upstream_idle_http2);
            // A lease, or a connection that is being made, holds the endpoint; a shared connection goes with it.
            let held = Rc::strong_count(endpoint) > 1;
            held || !idle.is_empty() || !unused
        });
    }

    fn endpoint(&self, address: SocketAddr) -> Rc<Endpoint> {
        Rc::clone(self.endpoints.borrow_mut().entry(address).or_default())
    }

    async fn http1(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        reuse: Reuse,
    ) -> Result<Kind, ConnectError> {
        if let Some(idle) = self.take_idle(endpoint, reuse) {
            return Ok(Kind::Http1(idle.sender, idle.socket));
        }
        let socket = Arc::new(self.dial(endpoint, address).await?);
        let sender = connect::http1(&socket, &self.settings, &self.tasks).await?;
        Ok(Kind::Http1(sender, socket))
    }

    fn take_idle(&self, endpoint: &Endpoint, reuse: Reuse) -> Option<Idle> {
        if reuse == Reuse::Never {
            return None;
        }
        let mut idle = endpoint.idle.borrow_mut();
        idle.retain(|idle| {
            !idle.sender.is_closed() && idle.since.elapsed() < self.settings.waits.upstream_idle
        });
        while let Some(at) = idle.iter().rposition(|idle| idle.sender.is_ready()) {
            let found = idle.remove(at);
            if reuse == Reuse::Likely || probe::is_quiet(&found.socket) {
                return Some(found);
            }
        }
        None
    }

    async fn http2(
        &self,
        endpoint: &Endpoint,
        address: SocketAddr,
        proof: probe::Proof,
    ) -> Result<Kind, ConnectError> {
        // Whoever comes while a connection is being made waits for it and shares it.
        let mut shared = endpoint.shared.lock().await;
        if let Some(SharedConnection(sender)) = shared.as_ref().filter(|c| c.0.is_ready() && !c.0.is_closed())
        {
            return Ok(Kind::Http2(sender.clone()));
        }
        let socket = Arc::new(self.dial(endpoint, address).await?);
        let made = connect::http2(&socket, &self.settings, &self.tasks, proof).await;
        if proof == probe::Proof::Needed {
            endpoint.state.borrow_mut().speaks_http2 = Some(made.is_ok());
        }
        let sender = made?;
        *shared = Some(SharedConnection(sender.clone()));
        Ok(Kind::Http2(sender))
    }

    async fn dial(&self, endpoint: &Endpoint, address: SocketAddr) -> Result<TcpStream, ConnectError> {
        let connecting = tokio::time::timeout(self.settings.waits.connect, TcpStream::connect(address));
        let result = match connecting.await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(ConnectError::Refused(error)),
            Err(_) => Err(ConnectError::TimedOut),
        };
        let mut state = endpoint.state.borrow_mut();
        match result {
            Ok(socket) => {
                self.metrics.upstream_connects.inc();
                state.penalty_until = None;
                tune(&socket);
                Ok(socket)
            }
            Err(error) => {
                self.metrics.upstream_connect_failures.inc();
                // Another program may listen there next, so what the last one spoke is forgotten.
                state.speaks_http2 = None;
                if matches!(error, ConnectError::TimedOut) {
                    state.penalty_until = Some(Instant::now() + self.settings.waits.endpoint_penalty);
                }
                Err(error)
            }
        }
    }
}

// === impl Lease ===

impl Lease {
    /// Whether the connection is HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self.kind, Kind::Http2(_))
    }

    /// Sends one request. The request comes back in the error where nothing of it has left.
    pub(crate) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        match &mut self.kind {
            Kind::Http1(sender, _) => sender.try_send_request(request).await,
            Kind::Http2(sender) => sender.try_send_request(request).await,
        }
    }

    /// Puts the connection back. To be called when the response's body has ended; a lease that is dropped before
    /// takes its HTTP/1.1 connection with it.
    pub(crate) fn give_back(self) {
        self.endpoint.state.borrow_mut().used = Some(Instant::now());
        let Kind::Http1(sender, socket) = self.kind else {
            return;
        };
        let mut idle = self.endpoint.idle.borrow_mut();
        if !sender.is_closed() && idle.len() < self.limit {
            idle.push(Idle {
                sender,
                socket,
                since: Instant::now(),
            });
        }
    }
}
