//! Relays local connections to the gateway through the copy's agent, on a connection of their own.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;

use super::{ByteStream, ClientIdentity, Dial, DialError};
use crate::protocol::{SESSION_HEADER, TUNNEL_AUTHORITY};
use crate::wire::{self, Body, Connection};

/// Why a connection was not relayed.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The agent could not be reached.
    #[error("no connection for the tunnel")]
    Dial(#[source] DialError),
    /// The other end does not speak HTTP/2.
    #[error("the tunnel's connection was not accepted")]
    Handshake(#[source] hyper::Error),
    /// The connection broke before the agent answered.
    #[error("the agent did not answer")]
    Request(#[source] hyper::Error),
    /// The agent could not reach the gateway, or the session was taken over.
    #[error("the agent refused the tunnel with status {0}")]
    Refused(u16),
    /// One side broke while bytes were relayed.
    #[error("the tunnel broke")]
    Relay(#[source] std::io::Error),
}

/// Relays connections. Clones share one connection to the agent, which is dialled when it is first needed.
#[derive(Clone)]
pub struct Tunnel {
    shared: Arc<Shared>,
}

struct Shared {
    dial: Arc<dyn Dial>,
    client: ClientIdentity,
    connection: Mutex<Option<Connection>>,
}

// === impl Tunnel ===

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel")
            .field("client", &self.shared.client)
            .finish_non_exhaustive()
    }
}

impl Tunnel {
    pub(super) fn new(dial: Arc<dyn Dial>, client: ClientIdentity) -> Self {
        Self {
            shared: Arc::new(Shared {
                dial,
                client,
                connection: Mutex::new(None),
            }),
        }
    }

    /// Relays `stream` until both directions have ended; a direction that ends is half-closed at the other side.
    /// Cancel safe: dropping it closes both sides.
    ///
    /// # Errors
    /// [`TunnelError`] names the step that failed.
    pub async fn relay(&self, mut stream: impl ByteStream) -> Result<(), TunnelError> {
        let mut requests = self.requests().await?;
        let empty: Body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed();
        let mut request = http::Request::new(empty);
        *request.method_mut() = http::Method::CONNECT;
        *request.uri_mut() = http::Uri::from_static(TUNNEL_AUTHORITY);
        if let Ok(session) = http::HeaderValue::from_str(&self.shared.client.session_id) {
            request.headers_mut().insert(SESSION_HEADER, session);
        }
        let response = requests
            .send_request(request)
            .await
            .map_err(TunnelError::Request)?;
        if !response.status().is_success() {
            return Err(TunnelError::Refused(response.status().as_u16()));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(TunnelError::Request)?;
        let mut far = TokioIo::new(upgraded);
        tokio::io::copy_bidirectional(&mut stream, &mut far)
            .await
            .map_err(TunnelError::Relay)?;
        Ok(())
    }

    async fn requests(&self) -> Result<SendRequest<Body>, TunnelError> {
        let mut slot = self.shared.connection.lock().await;
        if let Some(connection) = slot.as_mut()
            && connection.requests.ready().await.is_ok()
        {
            return Ok(connection.requests.clone());
        }
        let stream = self.shared.dial.dial().await.map_err(TunnelError::Dial)?;
        let connection = wire::connect(stream).await.map_err(TunnelError::Handshake)?;
        let requests = connection.requests.clone();
        *slot = Some(connection);
        Ok(requests)
    }
}
