//! The WebSocket of an echo service: each text that it receives comes back with the name and version before it.

use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Identity;
use crate::pod::serve::{self, Answer};

/// Whether the request opens a WebSocket (RFC 6455, section 4.2.1).
pub(super) fn is_wanted(request: &http::Request<Incoming>) -> bool {
    let upgrade = request
        .headers()
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Accepts it and serves it on a task of its own.
pub(super) fn accept(identity: &Arc<Identity>, request: &mut http::Request<Incoming>) -> Answer {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return serve::text(StatusCode::BAD_REQUEST, "no Sec-WebSocket-Key");
    };
    let Ok(accepted) = HeaderValue::try_from(derive_accept_key(key.as_bytes())) else {
        return serve::text(StatusCode::BAD_REQUEST, "bad Sec-WebSocket-Key");
    };
    let upgraded = hyper::upgrade::on(request);
    let identity = Arc::clone(identity);
    #[expect(
        clippy::disallowed_methods,
        reason = "the socket outlives the request; the process ends it"
    )]
    tokio::spawn(async move {
        if let Ok(stream) = upgraded.await {
            let _ = converse(
                WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await,
                &identity,
            )
            .await;
        }
    });
    let mut answer = http::Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    answer
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn converse(
    mut socket: Socket,
    identity: &Identity,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => {
                let answer = format!("{} {} {text}", identity.name, identity.version);
                socket.send(Message::text(answer)).await?;
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
    Ok(())
}
