//! One request, over HTTP or as a WebSocket.

use std::io::Write;

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::connection;
use crate::wire::{Protocol, Request, Response};

/// Sends `request` on a connection of its own and answers what came back.
///
/// # Errors
/// No response came within the limit.
pub async fn request(request: &Request) -> anyhow::Result<Response> {
    match request.protocol {
        Protocol::Ws => timeout(connection::limit(request), websocket(request))
            .await
            .context("no message in time")?,
        Protocol::Http1 | Protocol::H2 => Ok(connection::once(request).await?),
    }
}

/// Reads a request as JSON, sends it, and writes the response as JSON to standard output.
///
/// # Errors
/// The text is no request, or no response came.
pub async fn print(text: &str) -> anyhow::Result<()> {
    let wanted = serde_json::from_str(text).context("the request is not valid JSON")?;
    let response = request(&wanted).await?;
    let line = serde_json::to_string(&response)?;
    writeln!(std::io::stdout(), "{line}").context("cannot write the response")
}

async fn websocket(request: &Request) -> anyhow::Result<Response> {
    let stream = TcpStream::connect(&request.address).await.context("connect")?;
    let host = if request.host.is_empty() {
        &request.address
    } else {
        &request.host
    };
    let mut handshake = format!("ws://{host}{}", request.path).into_client_request()?;
    for (name, value) in &request.headers {
        let name = http::HeaderName::try_from(name.as_str())?;
        handshake
            .headers_mut()
            .append(name, http::HeaderValue::try_from(value.as_str())?);
    }
    let (mut socket, response) = tokio_tungstenite::client_async(handshake, stream)
        .await
        .context("handshake")?;
    socket
        .send(Message::text(request.body.clone()))
        .await
        .context("send")?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message.context("receive")? {
            let _ = socket.close(None).await;
            return Ok(Response {
                status: response.status().as_u16(),
                headers: connection::headers(response.headers()),
                body: text.as_str().to_owned(),
            });
        }
    }
    bail!("the WebSocket was closed before a message came")
}
