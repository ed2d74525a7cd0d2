//! What the router answers by itself, in the form that the caller understands.

use std::fmt::Write as _;

use devspace_core::{ServiceName, SpaceName, host};
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::ResponseBody;
use crate::headers::is_grpc;
use crate::validate::BadRequest;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// gRPC's code `UNAVAILABLE`.
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

/// Why a request got no answer from an endpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The request is unfit.
    #[error("{0}")]
    Bad(BadRequest),
    /// The caller's body broke.
    #[error("the request's body is not valid or was cut off")]
    CallerBody,
    /// A copy stayed down.
    #[error("the copy of `{service}` in space `{space}` does not answer")]
    CopyDown {
        /// The copy's space.
        space: SpaceName,
        /// The service.
        service: ServiceName,
    },
    /// Too many requests wait already.
    #[error("too many requests wait for copies that restart")]
    TooManyHeld,
    /// The baseline has no endpoint that takes connections.
    #[error("no endpoint of `{0}` takes connections")]
    NoEndpoint(ServiceName),
    /// No service has the listener.
    #[error("no service of the baseline is known by this port")]
    UnknownListener,
    /// The endpoint speaks HTTP/1.1 only, and the request needs HTTP/2.
    #[error("`{0}` does not speak HTTP/2, and the request needs it")]
    NotHttp2(ServiceName),
    /// The endpoint broke off, or its answer is not valid.
    #[error("`{0}` broke the connection off or gave no valid answer")]
    Upstream(ServiceName),
    /// A host or cookie names a space that does not exist.
    #[error("there is no space `{0}`")]
    UnknownSpace(String),
    /// No rule of the gateway matches.
    #[error("no rule of the baseline's Ingress matches host `{0}` and this path")]
    NoRule(String),
}

/// How a caller wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Plain text.
    Text,
    /// A page.
    Html,
    /// Trailers only (gRPC over HTTP/2, "Responses").
    Grpc,
}

// === impl Form ===

impl Form {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if is_grpc(headers) {
            return Self::Grpc;
        }
        let accept = headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or_default();
        if accept.contains("text/html") {
            Self::Html
        } else {
            Self::Text
        }
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Bad(bad) => bad.status(),
            Self::CallerBody => StatusCode::BAD_REQUEST,
            Self::CopyDown { .. } | Self::TooManyHeld | Self::NoEndpoint(_) | Self::UnknownListener => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NotHttp2(_) | Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::UnknownSpace(_) | Self::NoRule(_) => StatusCode::NOT_FOUND,
        }
    }

    /// What the person at the other end can do, one command or sentence per line.
    fn hints(&self) -> Vec<String> {
        match self {
            Self::CopyDown { space, service } => vec![
                format!("devspace logs --service {service} --space {space}"),
                format!("devspace status --space {space}"),
            ],
            Self::UnknownSpace(_) => vec![
                "devspace list".to_owned(),
                format!(
                    "open {}?space= to leave a space that a cookie chose",
                    host::ENTER_PATH
                ),
            ],
            _ => Vec::new(),
        }
    }

    pub(crate) fn response(&self, form: Form) -> Response<ResponseBody> {
        let mut response = match form {
            Form::Grpc => return self.grpc(),
            Form::Text => Response::new(ResponseBody::full(self.text())),
            Form::Html => Response::new(ResponseBody::full(self.page())),
        };
        *response.status_mut() = self.status();
        let kind = if form == Form::Html {
            "text/html; charset=utf-8"
        } else {
            "text/plain; charset=utf-8"
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self, Self::Bad(BadRequest::Connect)) {
            let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        response
    }

    fn grpc(&self) -> Response<ResponseBody> {
        let mut response = Response::new(ResponseBody::empty());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, UNAVAILABLE);
        // Messages are percent-coded (gRPC over HTTP/2, "Status-Message"); ours hold only visible ASCII.
        if let Ok(message) = HeaderValue::from_str(&self.to_string().replace('%', "%25")) {
            headers.insert(GRPC_MESSAGE, message);
        }
        response
    }

    fn text(&self) -> String {
        let mut text = format!("devspace: {self}\n");
        for hint in self.hints() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {hint}");
        }
        text
    }

    fn page(&self) -> String {
        let hints: String = self
            .hints()
            .iter()
            .map(|hint| format!("<li><code>{}</code></li>", escape(hint)))
            .collect();
        let message = escape(&self.to_string());
        format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>devspace</title>\
             <body style=\"font-family:sans-serif;margin:3rem\"><h1>{}</h1><p>{message}.</p><ul>{hints}</ul>\n",
            self.status()
        )
    }
}

/// Makes text safe inside a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Failure {
        Failure::CopyDown {
            space: SpaceName::try_new("red").unwrap(),
            service: ServiceName::try_new("package").unwrap(),
        }
    }

    #[test]
    fn a_dead_copy_is_named_with_the_commands_to_look() {
        let text = down().text();
        for part in [
            "`red`",
            "`package`",
            "devspace logs --service package",
            "devspace status",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(
            down().response(Form::Text).status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
    }

    #[test]
    fn grpc_callers_get_trailers_only() {
        let response = down().response(Form::Grpc);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["grpc-status"], "14");
        assert!(
            response.headers()["grpc-message"]
                .to_str()
                .unwrap()
                .contains("red")
        );
    }

    #[test]
    fn a_page_shows_no_markup_of_others() {
        let page = Failure::UnknownSpace("<script>".to_owned()).page();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
    }
}
