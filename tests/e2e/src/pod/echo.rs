//! A service of the tests' own application: it answers who it is and what it received, and calls the next service.

pub mod call;
mod opaque;
pub mod start;
mod websocket;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::connection;
use super::serve::{self, Answer};

/// Who answers.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The service's name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// HTTP and WebSocket.
    pub http: u16,
    /// Opaque TCP; 0: none.
    pub tcp: u16,
}

/// What an echo service answers as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Echo {
    /// The service's name.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The protocol in which the request reached the program.
    pub protocol: String,
    /// Path and query as received.
    pub path: String,
    /// Headers as received.
    pub headers: BTreeMap<String, String>,
    /// The request's body.
    pub body: String,
    /// What the next service answered, where one was called.
    pub next: Option<call::Next>,
}

/// Serves until a listener fails.
///
/// # Errors
/// A port cannot be bound, or no longer accepts.
pub async fn run(ports: Ports, identity: Identity) -> anyhow::Result<()> {
    let identity = Arc::new(identity);
    let listener = TcpListener::bind(("0.0.0.0", ports.http)).await?;
    let answering = Arc::clone(&identity);
    let http = serve::forever(listener, move |request| answer(Arc::clone(&answering), request));
    if ports.tcp == 0 {
        http.await?;
    } else {
        let tcp = opaque::forever(TcpListener::bind(("0.0.0.0", ports.tcp)).await?, identity);
        futures::future::try_join(http, tcp).await?;
    }
    Ok(())
}

async fn answer(identity: Arc<Identity>, mut request: http::Request<Incoming>) -> Answer {
    if websocket::is_wanted(&request) {
        return websocket::accept(&identity, &mut request);
    }
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(error) => return serve::text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str)
        .to_owned();
    let next = match call::wanted(&path) {
        None => None,
        Some(wanted) => Some(call::next(&wanted, &parts.headers).await),
    };
    serve::json(&Echo {
        service: identity.name.clone(),
        version: identity.version.clone(),
        protocol: format!("{:?}", parts.version),
        path,
        headers: connection::headers(&parts.headers),
        body,
        next,
    })
}
