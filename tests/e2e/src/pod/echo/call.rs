//! The call of the next service: `/via/ADDRESS/PATH` calls `http://ADDRESS/PATH` and passes the key carriers on,
//! `/bare/ADDRESS/PATH` passes nothing on. Either may be followed by another, so that a chain of any length can be asked for.

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::Echo;
use crate::pod::connection;
use crate::wire::{Protocol, Request};

/// Headers that an application passes on, so that a request's key crosses it.
const CARRIERS: &[&str] = &[
    "devspace-route-as",
    "azds-route-as",
    "kubernetes-route-as",
    "baggage",
    "traceparent",
    "tracestate",
];

/// A call that a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    address: String,
    path: String,
    passing: bool,
    protocol: Protocol,
}

/// What the next service answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Next {
    /// The status; 0 where there was no response.
    pub status: u16,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The header `devspace-served-by` of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
    /// The answer, where it was an echo service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<Box<Echo>>,
    /// The body, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The call that this path asks for, if any.
#[must_use]
pub fn wanted(path: &str) -> Option<Wanted> {
    let (verb, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (passing, protocol) = match verb {
        "via" => (true, Protocol::Http1),
        "via-h2" => (true, Protocol::H2),
        "bare" => (false, Protocol::Http1),
        _ => return None,
    };
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    Some(Wanted {
        address: address.to_owned(),
        path: format!("/{path}"),
        passing,
        protocol,
    })
}

/// Makes the call.
pub async fn next(wanted: &Wanted, received: &HeaderMap) -> Next {
    let passed = |name: &&&str| wanted.passing && received.contains_key(**name);
    let headers = CARRIERS.iter().filter(passed).flat_map(|name| {
        let values = received.get_all(*name).iter();
        values.map(|value| {
            (
                (*name).to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
    });
    let request = Request {
        address: wanted.address.clone(),
        protocol: wanted.protocol,
        path: wanted.path.clone(),
        headers: headers.collect(),
        ..Request::default()
    };
    match connection::once(&request).await {
        Ok(response) => {
            let echo = serde_json::from_str(&response.body).ok().map(Box::new);
            let body = if echo.is_none() { Some(response.body) } else { None };
            let served_by = response.headers.get("devspace-served-by").cloned();
            Next {
                status: response.status,
                error: None,
                served_by,
                echo,
                body,
            }
        }
        Err(error) => Next {
            status: 0,
            error: Some(error.to_string()),
            served_by: None,
            echo: None,
            body: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_a_path() {
        let first = wanted("/via/10.0.0.1:80/bare/10.0.0.2:80/x?y=1").unwrap();
        assert_eq!((first.address.as_str(), first.passing), ("10.0.0.1:80", true));
        let second = wanted(&first.path).unwrap();
        assert_eq!(
            (second.address.as_str(), second.path.as_str()),
            ("10.0.0.2:80", "/x?y=1")
        );
        assert!(!second.passing);
        assert_eq!(wanted("/via/10.0.0.1:80").unwrap().path, "/");
        assert_eq!(wanted("/other/10.0.0.1:80/"), None);
        assert_eq!(wanted("/"), None);
    }
}
