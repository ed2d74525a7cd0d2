//! Calls to other services, each with the context of the request that causes it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::context::CallContext;

/// Answers longer than this are refused: 1 MiB.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text as one segment of a path or one value of a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Another service, by its base address.
#[derive(Debug, Clone)]
pub struct Upstream {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    within: Duration,
}

/// What another service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Why a call gave no answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// The address is no HTTP address.
    #[error("{address} is not an address that can be called")]
    Address {
        /// The address.
        address: String,
        /// Why not.
        #[source]
        source: http::Error,
    },
    /// The connection failed.
    #[error("the call to {address} failed")]
    Send {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    /// The answer broke off or is too long.
    #[error("the answer of {address} cannot be read")]
    Read {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer did not come in time.
    #[error("{address} did not answer within {within:?}")]
    Late {
        /// The address.
        address: String,
        /// The limit.
        within: Duration,
    },
}

impl Upstream {
    /// A service at this base address (`http://package`), whose answers must come within a time.
    #[must_use]
    pub fn new(base: &str, within: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(HttpConnector::new());
        Self {
            base: base.trim_end_matches('/').to_owned(),
            client,
            within,
        }
    }

    /// Gets a path, with its query.
    ///
    /// # Errors
    /// No answer came; an answer of any status is no error.
    pub async fn get(&self, path: &str, context: &CallContext) -> Result<Answer, CallError> {
        self.call(Method::GET, path, Bytes::new(), context).await
    }

    /// Posts a JSON text to a path.
    ///
    /// # Errors
    /// No answer came; an answer of any status is no error.
    pub async fn post(&self, path: &str, json: Vec<u8>, context: &CallContext) -> Result<Answer, CallError> {
        self.call(Method::POST, path, Bytes::from(json), context).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, CallError> {
        let address = format!("{}{path}", self.base);
        let request = request(method, &address, body, context).map_err(|source| CallError::Address {
            address: address.clone(),
            source,
        })?;
        tokio::time::timeout(self.within, self.exchange(request, &address))
            .await
            .unwrap_or_else(|_| {
                Err(CallError::Late {
                    address: address.clone(),
                    within: self.within,
                })
            })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, address: &str) -> Result<Answer, CallError> {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|source| CallError::Send {
                address: address.to_owned(),
                source,
            })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|source| CallError::Read {
                address: address.to_owned(),
                source,
            })?
            .to_bytes();
        Ok(Answer { status, body })
    }
}

fn request(
    method: Method,
    address: &str,
    body: Bytes,
    context: &CallContext,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let uri: Uri = address.parse()?;
    let json = HeaderValue::from_static("application/json");
    let mut request = Request::builder().method(method).uri(uri).header(ACCEPT, &json);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, json);
    }
    let mut request = request.body(Full::new(body))?;
    context.apply(request.headers_mut());
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_segment() {
        assert_eq!(encoded("owner-17"), "owner-17");
        assert_eq!(encoded("a/b?c=é"), "a%2Fb%3Fc%3D%C3%A9");
    }
}
