//! Answers, good and bad.

use bytes::Bytes;
use devspace_sync::protocol::Problem;
use devspace_sync::wire::Body;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// No JSON request is longer; batches have their own form.
const JSON_MAX: usize = 4 * 1024 * 1024;

/// Why a request was not done, with the status that says so.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn new(status: StatusCode, problem: Problem) -> Self {
        Self { status, problem }
    }

    /// The request asks for what is not done.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Refused {
                message: message.into(),
            },
        )
    }

    /// The request was fine and could not be done.
    pub(super) fn failed(error: impl std::error::Error) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Failed {
                message: chain(&error),
            },
        )
    }

    pub(super) fn response(&self) -> Response<Body> {
        let text = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(full(text));
        *response.status_mut() = self.status;
        response
    }
}

/// An error and what lies under it, as one text.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(error) = under {
        text = format!("{text}: {error}");
        under = error.source();
    }
    text
}

pub(super) fn json(value: &impl Serialize) -> Result<Response<Body>, Refusal> {
    Ok(Response::new(full(
        serde_json::to_vec(value).map_err(Refusal::failed)?,
    )))
}

pub(super) fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes))
        .map_err(|never| match never {})
        .boxed()
}

pub(super) fn empty() -> Response<Body> {
    Response::new(Empty::new().map_err(|never| match never {}).boxed())
}

/// Reads a JSON request.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), JSON_MAX).collect().await;
    let body = body.map_err(|error| Refusal::refused(format!("the request was cut off: {error}")))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Refusal::refused(format!("the request cannot be read: {error}")))
}
