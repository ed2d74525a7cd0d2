//! Failures as problem documents (RFC 9457), with the trace id that finds the log lines.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HeaderValue, PRAGMA};
use serde_json::json;

use crate::json::BodyError;

/// A failure on its way to the client. [`crate::serve::observed`] writes the body, since it knows the trace id.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: Option<String>,
}

impl Problem {
    /// A failure with nothing more to say than its status.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, detail: None }
    }

    /// A failure that the caller can mend, with what is wrong.
    #[must_use]
    pub fn with_detail(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: Some(detail.into()),
        }
    }

    /// The answer that the contract sets for failures of our own: status 500, an empty body, not to be cached.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn document(&self, trace_id: &str) -> Vec<u8> {
        let mut document = json!({
            "type": format!("https://httpwg.org/specs/rfc9110.html#status.{}", self.status.as_u16()),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "traceId": trace_id,
        });
        if let (Some(detail), Some(members)) = (&self.detail, document.as_object_mut()) {
            members.insert("detail".to_owned(), json!(detail));
        }
        document.to_string().into_bytes()
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BodyError::NoObject | BodyError::Shape(_) => StatusCode::BAD_REQUEST,
        };
        Self::with_detail(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a failure.
pub(crate) fn written(mut response: Response, trace_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let headers = response.headers_mut();
    if problem.status == StatusCode::INTERNAL_SERVER_ERROR {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache,no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(EXPIRES, HeaderValue::from_static("-1"));
        return response;
    }
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json; charset=utf-8"),
    );
    *response.body_mut() = Body::from(problem.document(trace_id));
    response
}
