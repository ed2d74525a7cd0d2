//! One request from head to head: checked, its key decided, sent to who answers, and the answer cleaned.

mod respond;
mod send;
mod target;
mod tunnel;

use std::rc::Rc;

use devspace_core::key::{Arrival, KeyDecision, decide_key, write_key};
use devspace_core::table::Backend;
use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use tracing::debug;

pub(crate) use target::{Route, Search, pick};

use crate::answer::{Failure, Form};
use crate::body::{RequestBody, ResponseBody};
use crate::conn::{Busy, Connection, plain_address};
use crate::gateway::{self, Entered, Seen};
use crate::headers::{self, Hop, SERVED_BY};
use crate::listeners::Entry;
use crate::metrics::RouteKind;
use crate::pool::Wanted;
use crate::validate::{self, Forwards};
use crate::worker::Worker;

const MAX_FORWARDS: HeaderName = HeaderName::from_static("max-forwards");

/// Where a request goes, before it is known who answers there.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The service.
    pub(crate) to: Backend,
    /// Its key.
    pub(crate) key: KeyDecision,
    /// The host that the endpoint sees.
    pub(crate) authority: Option<Authority>,
    /// What the gateway must map back in the answer.
    pub(crate) seen: Option<Seen>,
}

/// Serves one request. Dropping the future (the caller left) cancels what runs upstream.
pub(crate) async fn handle(
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    request: Request<Incoming>,
    busy: Busy,
) -> Response<ResponseBody> {
    let form = Form::of(request.headers());
    let version = request.version();
    let mut route = None;
    let result = forward(&worker, &connection, request, &mut route).await;
    let mut response = result.unwrap_or_else(|failure| {
        debug!(peer = %connection.peer, reason = %failure, "request was answered by the router");
        failure.response(form)
    });
    let headers = response.headers_mut();
    if let Some(Told { route, keyed }) = &route {
        if *keyed {
            headers.insert(SERVED_BY, route.served_by());
        }
        worker
            .metrics
            .request(&route.service, route.kind, response.status());
    }
    let retired = route.is_some_and(|told| told.route.retired);
    let is_upgrade = response.status() == http::StatusCode::SWITCHING_PROTOCOLS;
    if (worker.drain.is_cancelled() || retired) && version < Version::HTTP_2 && !is_upgrade {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| body.with_busy(busy))
}

/// What is known of a request's way when it is answered.
struct Told {
    route: Route,
    keyed: bool,
}

async fn forward(
    worker: &Rc<Worker>,
    connection: &Connection,
    mut request: Request<Incoming>,
    told: &mut Option<Told>,
) -> Result<Response<ResponseBody>, Failure> {
    let caller_upgrade = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let authority = validate::check(&parts).map_err(Failure::Bad)?;
    let plan = match plan(worker, connection, &parts, authority)? {
        Entered::Forward(plan) => plan,
        Entered::Answer(response) => return Ok(response),
    };
    let received = parts.version;
    let grpc = headers::is_grpc(&parts.headers);
    let hop = prepare(worker, connection, &mut parts, &plan)?;
    let search = Search {
        to: &plan.to,
        key: plan.key.space(),
        peer: plain_address(connection.peer.ip()),
        wanted: wanted(worker, connection, &plan, received, grpc, &hop),
    };
    let keyed = search.key.is_some();
    let request = Request::from_parts(parts, RequestBody::new(body));
    let sent = send::send(worker, &search, request, &hop, plan.authority.as_ref()).await;
    let sent = match sent {
        Ok(sent) => sent,
        Err(send::NotSent { failure, route }) => {
            *told = route.map(|route| Told {
                route: route.by_router(),
                keyed,
            });
            return Err(failure);
        }
    };
    let service = sent.route.service.clone();
    *told = Some(Told {
        route: sent.route,
        keyed,
    });
    let upgrade = hop.upgrade.is_some().then_some(caller_upgrade);
    let mut response = respond::respond(worker, sent.response, sent.lease, upgrade, service)?;
    if let Some(seen) = &plan.seen {
        seen.map_back(response.headers_mut());
    }
    Ok(response)
}

/// Where the request goes and with which key.
fn plan(
    worker: &Worker,
    connection: &Connection,
    parts: &Parts,
    authority: Option<Authority>,
) -> Result<Entered, Failure> {
    let table = worker.tables.load();
    match connection.entry {
        Entry::Gateway | Entry::GatewayFor(_) => gateway::enter(&table, connection, parts, authority),
        Entry::Listener(listener) => {
            let caller = connection.caller.as_ref();
            let key = decide_key(&table.carriers, &parts.headers, Arrival::Inside, caller);
            Ok(Entered::Forward(Plan {
                to: Backend::Listener(listener),
                key,
                authority,
                seen: None,
            }))
        }
    }
}

/// Does an intermediary's duties on the request's head, and writes its key.
fn prepare(worker: &Worker, connection: &Connection, parts: &mut Parts, plan: &Plan) -> Result<Hop, Failure> {
    if let Forwards::Left(left) = validate::forwards(parts).map_err(Failure::Bad)? {
        parts.headers.insert(MAX_FORWARDS, HeaderValue::from(left));
    }
    let hop = headers::take_hop_by_hop(&mut parts.headers, parts.version);
    headers::add_via(&mut parts.headers, parts.version);
    if let Some(seen) = &plan.seen {
        seen.forwarded(&mut parts.headers, plain_address(connection.peer.ip()));
    }
    let key = match &plan.key {
        KeyDecision::None => return Ok(hop),
        KeyDecision::Dropped => None,
        KeyDecision::Key(space, _) => Some(space),
    };
    if write_key(&worker.tables.load().carriers, key, &mut parts.headers).is_err() {
        worker.metrics.shared.baggage_too_large.inc();
    }
    Ok(hop)
}

/// The version towards the endpoint. gRPC is never sent by less than HTTP/2, an upgrade never by more than
/// HTTP/1.1. A port that declares HTTP/2 gets it. A caller of a service that speaks HTTP/2 without being told to
/// relies on the endpoint speaking it, so the endpoint is asked; at the gateway a browser's HTTP/2 says nothing
/// about the endpoint.
fn wanted(
    worker: &Worker,
    connection: &Connection,
    plan: &Plan,
    received: Version,
    grpc: bool,
    hop: &Hop,
) -> Wanted {
    let declared = match &plan.to {
        Backend::Listener(listener) => worker
            .tables
            .load()
            .listeners
            .get(listener)
            .map(|port| port.protocol),
        Backend::Plain { .. } => None,
    };
    let by_http2 = received == Version::HTTP_2;
    if hop.upgrade.is_some() {
        Wanted::Http1
    } else if declared == Some(devspace_core::table::Protocol::Http2) || (by_http2 && grpc) {
        Wanted::Http2
    } else if by_http2 && !connection.entry.is_gateway() {
        Wanted::Http2IfSpoken
    } else {
        Wanted::Http1
    }
}

// === impl Route ===

impl Route {
    /// The same way, answered by the router itself.
    fn by_router(self) -> Self {
        Self {
            kind: RouteKind::Router,
            copy: None,
            ..self
        }
    }

    fn served_by(&self) -> HeaderValue {
        let text = match (&self.copy, self.kind) {
            (Some(space), _) => format!("{space}/{}", self.service),
            (None, RouteKind::Router) => format!("router/{}", self.service),
            (None, _) => format!("baseline/{}", self.service),
        };
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("baseline"))
    }
}
