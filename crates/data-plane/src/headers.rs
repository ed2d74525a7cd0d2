//! What an intermediary takes off, keeps and adds (RFC 9110, section 7.6).

use std::sync::Arc;

use devspace_core::key;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Uri, Version};

use crate::body::{GateState, RequestBody};

/// Who served a keyed request.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("devspace-served-by");

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Fields that no `Connection` field may take off: they decide who answers or how the message is framed.
fn is_protected(name: &HeaderName) -> bool {
    let of_key = [key::HEADER, key::BAGGAGE, key::TRACESTATE, key::TRACEPARENT];
    let of_message = [HOST, CONTENT_LENGTH, CONTENT_TYPE, TRAILER];
    of_key.contains(name) || key::COMPATIBLE.contains(name) || of_message.contains(name)
}

/// What of the fields between two hops is passed on in a new form.
#[derive(Debug, Default)]
pub(crate) struct Hop {
    /// The sender takes trailers (RFC 9110, section 10.1.4).
    pub(crate) trailers: bool,
    /// The protocols that an upgrade is asked for.
    pub(crate) upgrade: Option<HeaderValue>,
    /// The request waits for `100 Continue`.
    pub(crate) expects: bool,
}

/// Takes off the fields that are for this hop only (RFC 9110, section 7.6.1), and says what they asked for.
pub(crate) fn take_hop_by_hop(headers: &mut HeaderMap, version: Version) -> Hop {
    let mut hop = Hop {
        trailers: tokens(headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers")),
        upgrade: wanted_upgrade(headers, version),
        expects: headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")),
    };
    // HTTP/1.0 knows no interim responses (RFC 9110, section 10.1.1).
    if version == Version::HTTP_10 {
        hop.expects = false;
    }
    let listed: Vec<HeaderName> = tokens(headers, &CONNECTION)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .filter(|name| !is_protected(name))
        .collect();
    for name in listed {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
        HTTP2_SETTINGS,
    ] {
        headers.remove(name);
    }
    hop
}

/// The protocols that are worth asking the endpoint for. `h2c` and `TLS` are between two hops and are left out:
/// an unwanted upgrade is ignored, never refused (RFC 9110, section 7.8).
fn wanted_upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let asked = tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if !asked || version != Version::HTTP_11 {
        return None;
    }
    let is_wanted = |token: &&str| {
        let lower = token.to_ascii_lowercase();
        lower != "h2c" && lower != "tls" && !lower.starts_with("tls/")
    };
    let wanted: Vec<&str> = tokens(headers, &UPGRADE).filter(is_wanted).collect();
    if wanted.is_empty() {
        None
    } else {
        HeaderValue::from_str(&wanted.join(", ")).ok()
    }
}

/// The elements of every line of `name` (RFC 9110, section 5.6.1).
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// Adds ourselves to `Via` (RFC 9110, section 7.6.3).
pub(crate) fn add_via(headers: &mut HeaderMap, received: Version) {
    let value = match received {
        Version::HTTP_10 => HeaderValue::from_static("1.0 devspace"),
        Version::HTTP_2 => HeaderValue::from_static("2 devspace"),
        _ => HeaderValue::from_static("1.1 devspace"),
    };
    headers.append(VIA, value);
}

/// Puts a request into the form that the endpoint's version of HTTP needs. May be done again for another version.
pub(crate) fn adapt(
    request: &mut Request<RequestBody>,
    authority: Option<&Authority>,
    hop: &Hop,
    gate: Option<&Arc<GateState>>,
    http2: bool,
) {
    let path = request
        .uri()
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = target(path, authority.filter(|_| http2));
    *request.version_mut() = if http2 { Version::HTTP_2 } else { Version::HTTP_11 };
    let headers = request.headers_mut();
    for name in [CONNECTION, UPGRADE, TE, HOST] {
        headers.remove(name);
    }
    if hop.trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if http2 {
        if let Some(gate) = gate {
            gate.open();
        }
        return;
    }
    // HTTP/1.1 needs a Host even where an HTTP/1.0 caller gave none (RFC 9112, section 3.2).
    let host = authority.map_or("", Authority::as_str);
    headers.insert(
        HOST,
        HeaderValue::from_str(host).unwrap_or_else(|_| HeaderValue::from_static("")),
    );
    join_cookies(headers);
    match (&hop.upgrade, hop.trailers) {
        (Some(protocols), _) => {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocols.clone());
        }
        (None, true) => drop(headers.insert(CONNECTION, HeaderValue::from_static("te"))),
        (None, false) => {}
    }
    if let Some(gate) = gate.map(Arc::clone) {
        hyper::ext::on_informational(request, move |interim| {
            if interim.status() == http::StatusCode::CONTINUE {
                gate.open();
            }
        });
    }
}

/// Origin-form or `*` towards HTTP/1.1; with scheme and authority towards HTTP/2.
fn target(path: PathAndQuery, authority: Option<&Authority>) -> Uri {
    let mut parts = http::uri::Parts::default();
    if let Some(authority) = authority {
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority.clone());
    }
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).unwrap_or_else(|_| Uri::from_static("/"))
}

/// HTTP/2 may split `Cookie` over several fields; HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let joined: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(value) = HeaderValue::from_bytes(&joined.join(&b"; "[..])) {
        headers.insert(COOKIE, value);
    }
}

/// Takes off what an endpoint's response may not pass on. A message with `Transfer-Encoding` has no
/// `Content-Length` (RFC 9112, section 6.3); with both, hyper would close without an answer.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    take_hop_by_hop(headers, Version::HTTP_2);
}

/// Whether a request is gRPC (gRPC over HTTP/2, "Content-Type").
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| {
        kind.strip_prefix(b"application/grpc")
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn fields_of_one_hop_end_here_and_routing_survives() {
        let mut headers = map(&[
            ("connection", "x-mine, baggage, devspace-route-as, keep-alive"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "x"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("x-mine", "1"),
            ("baggage", "a=1"),
            ("devspace-route-as", "red"),
            ("x-other", "1"),
        ]);
        let hop = take_hop_by_hop(&mut headers, Version::HTTP_11);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["baggage", "devspace-route-as", "x-other"]);
        assert!(hop.trailers && hop.upgrade.is_none());
    }

    #[test]
    fn only_upgrades_worth_having_are_passed_on() {
        let of = |connection: &str, upgrade: &str, version| {
            take_hop_by_hop(
                &mut map(&[("connection", connection), ("upgrade", upgrade)]),
                version,
            )
            .upgrade
        };
        assert_eq!(of("Upgrade", "websocket", Version::HTTP_11).unwrap(), "websocket");
        assert_eq!(
            of("keep-alive, upgrade", "h2c, foo", Version::HTTP_11).unwrap(),
            "foo"
        );
        assert!(of("upgrade, http2-settings", "h2c", Version::HTTP_11).is_none());
        assert!(of("upgrade", "TLS/1.2", Version::HTTP_11).is_none());
        assert!(of("close", "websocket", Version::HTTP_11).is_none());
        assert!(of("upgrade", "websocket", Version::HTTP_10).is_none());
    }

    #[test]
    fn the_form_follows_the_endpoint() {
        let authority = Authority::from_static("shop.test:80");
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .uri("http://shop.test:80/a?b=c")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(RequestBody::empty())
            .unwrap();
        let hop = Hop {
            trailers: true,
            ..Hop::default()
        };
        adapt(&mut request, Some(&authority), &hop, None, false);
        assert_eq!(request.uri(), "/a?b=c");
        assert_eq!(request.headers()["host"], "shop.test:80");
        assert_eq!(request.headers()["cookie"], "a=1; b=2");
        assert_eq!(request.headers()["connection"], "te");
        adapt(&mut request, Some(&authority), &hop, None, true);
        assert_eq!(request.uri(), "http://shop.test:80/a?b=c");
        assert!(request.headers().get("host").is_none() && request.headers().get("connection").is_none());
        assert_eq!(request.headers()["te"], "trailers");
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;x", true),
            ("application/grpc-web", false),
            ("text/plain", false),
        ] {
            assert_eq!(is_grpc(&map(&[("content-type", kind)])), expected, "{kind}");
        }
    }
}
