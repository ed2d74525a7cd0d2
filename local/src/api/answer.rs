//! Answers and refusals.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::Fault;
use crate::store::StoreError;

/// A body.
pub(super) type Answer = UnsyncBoxBody<Bytes, io::Error>;

/// The largest body that is read.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

// === impl Refusal ===

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn unknown() -> Self {
        let message = "this daemon does not know the request; it may be older than the CLI: type `devspace local \
                       stop` and `devspace local start`";
        Self::new(StatusCode::NOT_FOUND, "invalid", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    pub(super) fn not_running(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "notRunning", message)
    }

    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut under = error.source();
        while let Some(cause) = under {
            message = format!("{message}: {cause}");
            under = cause.source();
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
    }

    pub(super) fn response(self) -> Response<Answer> {
        tracing::debug!(refusal = ?self, "a request was refused");
        let fault = Fault {
            code: self.code.to_owned(),
            message: self.message,
        };
        json(self.status, &fault).unwrap_or_else(|_| empty(self.status))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()),
            StoreError::Invalid(message) => Self::invalid(message),
            StoreError::Write(_) => Self::failed(&error),
        }
    }
}

pub(super) fn empty(status: StatusCode) -> Response<Answer> {
    let mut response = Response::new(
        Full::new(Bytes::new())
            .map_err(|never| match never {})
            .boxed_unsync(),
    );
    *response.status_mut() = status;
    response
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Answer>, Refusal> {
    let text = serde_json::to_vec(value).map_err(|error| Refusal::failed(&error))?;
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

pub(super) async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    let body = body.map_err(|error| Refusal::invalid(format!("the body cannot be read: {error}")))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Refusal::invalid(format!("the body cannot be understood: {error}")))
}

/// A line for each text of `texts`.
pub(super) fn lines(texts: impl Stream<Item = String> + Send + 'static) -> Response<Answer> {
    let frames = texts.map(|text| Ok(Frame::data(Bytes::from(format!("{text}\n")))));
    Response::new(StreamBody::new(frames).boxed_unsync())
}
