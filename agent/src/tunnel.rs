//! Relays a stream of the CLI to the gateway. The gateway sees this pod as the caller, and so knows the space.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The gateway is in the same cluster.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the gateway was not reached.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The address is a name or has no port. The agent looks up no names.
    #[error("`{0}` is no address with a port")]
    Address(String),
    /// The gateway did not answer.
    #[error("cannot reach the gateway at {address}")]
    Connect {
        /// Its address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Connects to the gateway.
///
/// # Errors
/// [`TunnelError`] if it cannot be reached in five seconds.
pub async fn open(gateway: &str) -> Result<TcpStream, TunnelError> {
    let address: SocketAddr = gateway
        .parse()
        .map_err(|_| TunnelError::Address(gateway.to_owned()))?;
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let stream = stream.map_err(|source| TunnelError::Connect { address, source })?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a tunnel keeps its delay");
    }
    Ok(stream)
}

/// Relays until both directions have ended; each is half-closed by itself.
pub async fn relay(request: Request<Incoming>, mut upstream: TcpStream) {
    let upgraded = match hyper::upgrade::on(request).await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%error, "a tunnel was not taken up"),
    };
    if let Err(error) = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut upstream).await {
        tracing::debug!(%error, "a tunnel broke");
    }
}
