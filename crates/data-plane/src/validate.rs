//! What makes a request unfit to be forwarded, beyond what hyper refuses while parsing.

use std::str::FromStr;

use http::header::{CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, StatusCode, Version};

const MAX_FORWARDS: HeaderName = HeaderName::from_static("max-forwards");

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRequest {
    /// RFC 9110, section 9.3.6: a gateway need not offer tunnels.
    #[error("CONNECT is not offered")]
    Connect,
    /// RFC 9112, section 3.2: HTTP/1.1 needs a Host.
    #[error("the request has no Host")]
    NoHost,
    /// RFC 9112, section 3.2.
    #[error("the request has more than one Host")]
    SeveralHosts,
    /// RFC 9112, section 3.2; RFC 9113, section 8.3.1.
    #[error("the request's Host is not valid, or differs from its authority")]
    BadHost,
    /// RFC 9112, section 6.1.
    #[error("the only transfer coding that is understood is chunked")]
    TransferCoding,
    /// RFC 9110, section 9.3.8.
    #[error("a TRACE request has no body")]
    TraceBody,
    /// RFC 9110, section 7.6.2: the request ends here.
    #[error("Max-Forwards is used up")]
    MaxForwards,
}

/// What `Max-Forwards` asks for (RFC 9110, section 7.6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forwards {
    /// Nothing, or the method is not one that it is about.
    Unlimited,
    /// Forward with this value.
    Left(u64),
}

/// Checks `parts` and gives the authority that the request is for. HTTP/1.0 without a Host has none.
pub(crate) fn check(parts: &Parts) -> Result<Option<Authority>, BadRequest> {
    if parts.method == Method::CONNECT {
        return Err(BadRequest::Connect);
    }
    transfer_coding(parts)?;
    if parts.method == Method::TRACE
        && (parts.headers.contains_key(TRANSFER_ENCODING) || parts.headers.contains_key(CONTENT_LENGTH))
    {
        return Err(BadRequest::TraceBody);
    }
    authority(parts)
}

/// Reads `Max-Forwards`.
pub(crate) fn forwards(parts: &Parts) -> Result<Forwards, BadRequest> {
    if parts.method != Method::TRACE && parts.method != Method::OPTIONS {
        return Ok(Forwards::Unlimited);
    }
    let value = parts
        .headers
        .get(MAX_FORWARDS)
        .and_then(|v| v.to_str().ok()?.trim().parse::<u64>().ok());
    match value {
        None => Ok(Forwards::Unlimited),
        Some(0) => Err(BadRequest::MaxForwards),
        Some(left) => Ok(Forwards::Left(left - 1)),
    }
}

fn transfer_coding(parts: &Parts) -> Result<(), BadRequest> {
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(BadRequest::TransferCoding),
    }
}

fn authority(parts: &Parts) -> Result<Option<Authority>, BadRequest> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(parse(host.to_str().map_err(|_| BadRequest::BadHost)?)?),
        (Some(_), Some(_)) => return Err(BadRequest::SeveralHosts),
    };
    match (parts.version, parts.uri.authority(), host) {
        (Version::HTTP_2, Some(target), Some(host)) if *target != host => Err(BadRequest::BadHost),
        (Version::HTTP_2, Some(target), _) => parse(target.as_str()).map(Some),
        (Version::HTTP_2, None, None) | (Version::HTTP_11, _, None) => Err(BadRequest::NoHost),
        // The target of an absolute-form request wins over its Host (RFC 9112, section 3.2.2).
        (_, Some(target), _) => parse(target.as_str()).map(Some),
        (_, None, host) => Ok(host),
    }
}

fn parse(text: &str) -> Result<Authority, BadRequest> {
    let authority = Authority::from_str(text).map_err(|_| BadRequest::BadHost)?;
    // No user information (RFC 9110, section 4.2.4), and none of the marks that a list or a path could be made of,
    // though a registered name might hold them (RFC 3986, section 3.2.2).
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%:[]".contains(&b);
    if authority.host().is_empty() || !authority.as_str().bytes().all(is_plain) {
        return Err(BadRequest::BadHost);
    }
    Ok(authority)
}

// === impl BadRequest ===

impl BadRequest {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::MaxForwards => StatusCode::OK,
            Self::NoHost | Self::SeveralHosts | Self::BadHost | Self::TraceBody => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn verdict(version: Version, uri: &str, headers: &[(&str, &str)]) -> Result<Option<String>, BadRequest> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0).map(|found| found.map(|a| a.to_string()))
    }

    #[test]
    fn a_request_is_for_exactly_one_host() {
        let v1 = Version::HTTP_11;
        assert_eq!(
            verdict(v1, "/", &[("host", "a.test:80")]).unwrap().unwrap(),
            "a.test:80"
        );
        assert_eq!(verdict(v1, "/", &[]), Err(BadRequest::NoHost));
        assert_eq!(verdict(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(
            verdict(v1, "/", &[("host", "a"), ("host", "b")]),
            Err(BadRequest::SeveralHosts)
        );
        for bad in ["", "a b/c", "a@b", "a/b", "a,b", ":80"] {
            assert_eq!(
                verdict(v1, "/", &[("host", bad)]),
                Err(BadRequest::BadHost),
                "{bad}"
            );
        }
        assert_eq!(
            verdict(v1, "http://b.test/", &[("host", "a.test")])
                .unwrap()
                .unwrap(),
            "b.test"
        );
        assert_eq!(
            verdict(Version::HTTP_2, "http://b.test/", &[("host", "a.test")]),
            Err(BadRequest::BadHost)
        );
        assert!(verdict(Version::HTTP_2, "http://b.test/", &[]).is_ok());
    }

    #[test]
    fn only_chunked_is_a_transfer_coding() {
        let of = |value: &str| {
            verdict(
                Version::HTTP_11,
                "/",
                &[("host", "a"), ("transfer-encoding", value)],
            )
        };
        assert!(of("Chunked").is_ok());
        for bad in [
            "gzip, chunked",
            "chunked, gzip",
            "identity",
            "chunked, chunked",
            "xchunked",
        ] {
            assert_eq!(of(bad), Err(BadRequest::TransferCoding), "{bad}");
        }
    }
}
