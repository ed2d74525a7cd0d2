//! Sending a request, and sending it once more only where that is safe.
//!
//! A request of which nothing has left is sent again on another connection, whatever its method. A request that
//! may have been read is sent once more only if its method is idempotent, it has no body, and no byte of an
//! answer has come (RFC 9110, section 9.2.2).

use http::request::Parts;
use http::uri::Authority;
use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tracing::debug;

use super::target::{NotFound, Route, Search, find};
use crate::answer::Failure;
use crate::body::RequestBody;
use crate::headers::{Hop, adapt};
use crate::metrics::RetryReason;
use crate::pool::{Lease, Reuse};
use crate::worker::Worker;

/// The most times that a request is sent.
const TRIES: u32 = 3;

/// An answer's head, the connection that its body comes by, and who answers.
pub(super) struct Sent {
    pub(super) response: Response<Incoming>,
    pub(super) lease: Lease,
    pub(super) route: Route,
}

/// Why there is no answer, and who should have given it.
pub(super) struct NotSent {
    pub(super) failure: Failure,
    pub(super) route: Option<Route>,
}

pub(super) async fn send(
    worker: &Worker,
    search: &Search<'_>,
    mut request: Request<RequestBody>,
    hop: &Hop,
    authority: Option<&Authority>,
) -> Result<Sent, NotSent> {
    let mut spare = spare(&request);
    let failed = request.body().failure();
    let gate = (hop.expects && !request.body().is_end_stream())
        .then(|| request.body_mut().gated(worker.settings.waits.expect));
    let mut reuse = if spare.is_some() {
        Reuse::Likely
    } else {
        Reuse::Proven
    };
    let mut tries = 0;
    loop {
        let (mut lease, route) = find(worker, search, reuse).await?;
        adapt(&mut request, authority, hop, gate.as_ref(), lease.is_http2());
        let mut error = match lease.send(request).await {
            Ok(response) => {
                return Ok(Sent {
                    response,
                    lease,
                    route,
                });
            }
            Err(error) => error,
        };
        drop(lease);
        tries += 1;
        reuse = Reuse::Never;
        debug!(error = %error.error(), tries, "request was not answered");
        let unsent = error.take_message().filter(|_| tries < TRIES);
        let error = error.into_error();
        if let Some(unsent) = unsent {
            worker.metrics.retry(RetryReason::NotSent);
            request = unsent;
        } else if let Some(again) = spare.take().filter(|_| is_without_answer(&error)) {
            worker.metrics.retry(RetryReason::Idempotent);
            request = Request::from_parts(again, RequestBody::empty());
        } else {
            let service = route.service.clone();
            let failure = if failed.get() {
                Failure::CallerBody
            } else {
                Failure::Upstream(service)
            };
            return Err(NotSent {
                failure,
                route: Some(route),
            });
        }
    }
}

/// The head once more, where the request may be sent twice.
fn spare(request: &Request<RequestBody>) -> Option<Parts> {
    let idempotent = [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::TRACE,
        Method::PUT,
        Method::DELETE,
    ];
    if !idempotent.contains(request.method()) || !request.body().is_end_stream() {
        return None;
    }
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    Some(head.into_parts().0)
}

/// Whether the connection ended before an answer, and not by an answer that cannot be read.
fn is_without_answer(error: &hyper::Error) -> bool {
    !error.is_parse() && !error.is_user() && !error.is_timeout()
}

impl From<NotFound> for NotSent {
    fn from(NotFound { failure, route }: NotFound) -> Self {
        Self { failure, route }
    }
}
