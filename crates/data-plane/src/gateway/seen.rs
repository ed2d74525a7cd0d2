//! How the caller sees the application, while the endpoint sees the baseline's host.

use std::net::IpAddr;

use devspace_core::host::{port_suffix, without_port};
use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};

use super::scheme;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The caller's view of one request.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Host and port as the caller typed them.
    typed: String,
    /// The public host that the endpoint sees instead. `None`: the same.
    stands_for: Option<String>,
    scheme: &'static str,
}

// === impl Seen ===

impl Seen {
    pub(super) fn new(typed: String, stands_for: Option<String>, headers: &HeaderMap) -> Self {
        let scheme = if scheme(headers) == "https" {
            "https"
        } else {
            "http"
        };
        Self {
            typed,
            stands_for,
            scheme,
        }
    }

    /// Tells the endpoint who called and how.
    pub(crate) fn forwarded(&self, headers: &mut HeaderMap, peer: IpAddr) {
        if let Ok(peer) = HeaderValue::from_str(&peer.to_string()) {
            headers.append(FORWARDED_FOR, peer);
        }
        if !headers.contains_key(FORWARDED_HOST)
            && let Ok(host) = HeaderValue::from_str(&self.typed)
        {
            headers.insert(FORWARDED_HOST, host);
        }
        headers
            .entry(FORWARDED_PROTO)
            .or_insert(HeaderValue::from_static(self.scheme));
    }

    /// Maps redirects to the public host and cookies for it back to the host that the caller typed.
    pub(crate) fn map_back(&self, headers: &mut HeaderMap) {
        let Some(public) = &self.stands_for else { return };
        if let Some(location) = headers
            .get(LOCATION)
            .and_then(|value| self.location(public, value))
        {
            headers.insert(LOCATION, location);
        }
        let cookies: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().map(without_domain).collect();
        if !cookies.is_empty() {
            headers.remove(SET_COOKIE);
            for cookie in cookies {
                headers.append(SET_COOKIE, cookie);
            }
        }
    }

    fn location(&self, public: &str, value: &HeaderValue) -> Option<HeaderValue> {
        let uri: Uri = value.to_str().ok()?.parse().ok()?;
        let authority = uri.authority()?;
        let default_port = matches!(port_suffix(authority.as_str()), "" | ":80" | ":443");
        if without_port(authority.as_str()) != public || !default_port {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        HeaderValue::from_str(&format!("{}://{}{path}", self.scheme, self.typed)).ok()
    }
}

/// A cookie for the public domain would reach every space, or none; without a domain it stays with this host.
fn without_domain(cookie: &HeaderValue) -> HeaderValue {
    let Ok(text) = cookie.to_str() else {
        return cookie.clone();
    };
    let is_domain = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("domain")
    };
    let kept: Vec<&str> = text.split(';').filter(|part| !is_domain(part)).collect();
    HeaderValue::from_str(&kept.join(";")).unwrap_or_else(|_| cookie.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_mapped_back_to_the_typed_host() {
        let typed = "red.s.shop.test:8080".to_owned();
        let seen = Seen::new(typed, Some("shop.test".to_owned()), &HeaderMap::new());
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static("https://shop.test/login?x=1"));
        headers.append(
            SET_COOKIE,
            HeaderValue::from_static("a=1; Domain=shop.test; Path=/"),
        );
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        seen.map_back(&mut headers);
        assert_eq!(headers[LOCATION], "http://red.s.shop.test:8080/login?x=1");
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
        headers.insert(LOCATION, HeaderValue::from_static("https://login.test/"));
        seen.map_back(&mut headers);
        assert_eq!(headers[LOCATION], "https://login.test/");
    }
}
