//! What the agent listens on: TCP in a pod; on a machine that others share a Unix socket, which the file system guards.

use std::io;

use devspace_sync::session::ByteStream;
use tokio::net::{TcpListener, UnixListener};

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

// === impl Listener ===

impl Listener {
    /// Waits for a connection. Cancel safe.
    ///
    /// # Errors
    /// What the system says.
    pub async fn accept(&self) -> io::Result<Box<dyn ByteStream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A small answer must not wait for the acknowledgement of the one before it.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                Ok(Box::new(stream))
            }
            Self::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}
