//! The context that a request carries onwards: the route key, the trace and whatever else the allow-list names.
//!
//! There is no process-wide state: a [`CallContext`] is made from one request and handed to every call which that
//! request causes, so concurrent requests cannot mix (quirk Q-21 of the original).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

/// Header that holds the id by which the log lines of one request are found in all services.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// Forwarded unless `PROPAGATE_HEADERS` says otherwise: the three route headers, W3C Baggage and Trace Context, the
/// correlation id, and the two headers that the first generation of the application forwarded.
const DEFAULT: [&str; 9] = [
    "devspace-route-as",
    "azds-route-as",
    "kubernetes-route-as",
    "baggage",
    "traceparent",
    "tracestate",
    "x-correlation-id",
    "l5d-ctx-trace",
    "l5d-ctx-deadline",
];

/// Headers that belong to one connection (RFC 9110, section 7.6.1) or to one message body: never copied to another.
const OWN_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The names of the headers that are forwarded, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierList(Vec<HeaderName>);

/// A list of headers that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CarrierListError {
    /// Not a header name.
    #[error("{0:?} is not a header name")]
    Name(String),
    /// A header of one connection or one body.
    #[error("{0} belongs to one connection or body and cannot be forwarded")]
    OwnHop(String),
}

impl Default for CarrierList {
    fn default() -> Self {
        Self(DEFAULT.iter().copied().map(HeaderName::from_static).collect())
    }
}

impl CarrierList {
    /// Reads a comma-separated list of header names.
    ///
    /// # Errors
    /// A member that is no header name, or that must not leave its connection.
    pub fn parse(list: &str) -> Result<Self, CarrierListError> {
        list.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| {
                let parsed: HeaderName = name
                    .parse()
                    .map_err(|_| CarrierListError::Name(name.to_owned()))?;
                if OWN_HOP.contains(&parsed.as_str()) {
                    return Err(CarrierListError::OwnHop(parsed.as_str().to_owned()));
                }
                Ok(parsed)
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// What one request hands on to the calls it causes.
#[derive(Debug, Clone)]
pub struct CallContext {
    carried: Vec<(HeaderName, HeaderValue)>,
    correlation: String,
}

impl CallContext {
    /// Takes from a request the headers that the list names: every line of them, in order, unread.
    ///
    /// The correlation id is the request's own, else the trace id of its `traceparent`, else a new one.
    #[must_use]
    pub fn of_request(headers: &HeaderMap, list: &CarrierList) -> Self {
        let carried = list
            .0
            .iter()
            .flat_map(|name| {
                headers
                    .get_all(name)
                    .iter()
                    .map(|value| (name.clone(), value.clone()))
            })
            .collect();
        let own = headers
            .get(&CORRELATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let correlation = own
            .or_else(|| trace_id(headers).map(str::to_owned))
            .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
        Self { carried, correlation }
    }

    /// Writes the context into the headers of an outgoing call.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.carried {
            headers.append(name.clone(), value.clone());
        }
        if !headers.contains_key(&CORRELATION)
            && let Ok(value) = HeaderValue::from_str(&self.correlation)
        {
            headers.insert(CORRELATION, value);
        }
    }

    /// The id that log lines and problem documents carry.
    #[must_use]
    pub fn correlation(&self) -> &str {
        &self.correlation
    }
}

/// The trace id of a `traceparent` header (W3C Trace Context, section 3.2.2).
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("traceparent")?.to_str().ok()?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn forwarded(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut out = HeaderMap::new();
        CallContext::of_request(&headers(pairs), &CarrierList::default()).apply(&mut out);
        out
    }

    #[test]
    fn carriers_are_forwarded_untouched_and_nothing_else_is() {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let out = forwarded(&[
            ("devspace-route-as", "red"),
            ("baggage", "a=1, devspace=red;p=%20"),
            ("baggage", "b=2"),
            ("traceparent", trace),
            ("authorization", "secret"),
        ]);
        assert_eq!(out.get("devspace-route-as").unwrap(), "red");
        let baggage: Vec<_> = out.get_all("baggage").iter().collect();
        assert_eq!(baggage, ["a=1, devspace=red;p=%20", "b=2"]);
        assert_eq!(out.get("traceparent").unwrap(), trace);
        assert_eq!(out.get(CORRELATION).unwrap(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!out.contains_key("authorization"));
    }

    #[test]
    fn a_correlation_id_is_kept_or_made() {
        assert_eq!(
            forwarded(&[("x-correlation-id", "abc")])
                .get(CORRELATION)
                .unwrap(),
            "abc"
        );
        let first = forwarded(&[]).remove(CORRELATION).unwrap();
        assert_eq!(first.len(), 32);
        assert_ne!(first, forwarded(&[]).remove(CORRELATION).unwrap());
    }

    #[test]
    fn lists_are_checked() {
        assert_eq!(
            CarrierList::parse(" devspace-route-as ,baggage,").unwrap().0,
            ["devspace-route-as", "baggage"]
        );
        assert_eq!(
            CarrierList::parse("a b").unwrap_err(),
            CarrierListError::Name("a b".to_owned())
        );
        assert_eq!(
            CarrierList::parse("Host").unwrap_err(),
            CarrierListError::OwnHop("host".to_owned())
        );
    }
}
