//! An endpoint's answer on its way back.

use std::rc::Rc;

use devspace_core::ServiceName;
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::tunnel;
use crate::answer::Failure;
use crate::body::ResponseBody;
use crate::headers::clean_response;
use crate::pool::Lease;
use crate::worker::Worker;

/// Cleans the head and streams the body. `upgrade` is the caller's side where one was asked for: the caller gets
/// 101 only after the endpoint gave it (RFC 9110, section 7.8).
pub(super) fn respond(
    worker: &Rc<Worker>,
    mut response: Response<Incoming>,
    lease: Lease,
    upgrade: Option<OnUpgrade>,
    service: ServiceName,
) -> Result<Response<ResponseBody>, Failure> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let protocol = response.headers().get(UPGRADE).cloned();
        let (Some(caller), Some(protocol)) = (upgrade, protocol) else {
            return Err(Failure::Upstream(service));
        };
        let endpoint = hyper::upgrade::on(&mut response);
        tunnel::start(worker, caller, endpoint);
        let (mut parts, _) = response.into_parts();
        clean_response(&mut parts.headers);
        parts
            .headers
            .insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, protocol);
        return Ok(Response::from_parts(parts, ResponseBody::empty()));
    }
    clean_response(response.headers_mut());
    let mut response = response.map(|body| ResponseBody::endpoint(body, lease));
    // The version is the caller's, not the endpoint's (RFC 9110, section 6.2).
    *response.version_mut() = http::Version::default();
    Ok(response)
}
