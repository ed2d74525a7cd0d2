//! The way to the agent, as the session sees it.

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream in both directions. Every type that can be one is one.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for T {}

/// Why the agent could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach the copy: {reason}")]
pub struct DialError {
    /// What failed, for people.
    pub reason: String,
    /// What lies under it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Opens connections to the agent's control listener.
pub trait Dial: Send + Sync + 'static {
    /// A new connection to the agent of the copy's current pod; each call is a port-forward of its own.
    ///
    /// The session calls it again after a failure, with a growing delay. It may be dropped at any await point.
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>>;
}

// === impl DialError ===

impl DialError {
    /// An error with a reason for people and nothing under it.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            source: None,
        }
    }

    /// An error with what lies under it.
    #[must_use]
    pub fn caused_by(
        reason: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            reason: reason.into(),
            source: Some(source.into()),
        }
    }
}
