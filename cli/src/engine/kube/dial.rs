//! Connections into a copy's pod, by port-forward over WebSocket
//! (Kubernetes: `pods/portforward`, protocol `v4.channel.k8s.io`, WebSocket since 1.30).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{future::Future, io};

use devspace_sync::session::{ByteStream, Dial, DialError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::Instant;

use super::faults::{attempt, fault};
use super::{Kube, pods};
use crate::engine::{CopyRef, EngineError};

/// How long a call looks for a pod that is not there yet before it reports that.
/// A pod comes about within a second; a caller that got an error waits longer than we do.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between looks for the pod.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Connects to one port of whichever pod the copy has.
pub(super) struct PodDial {
    kube: Kube,
    copy: CopyRef,
    port: u16,
}

impl PodDial {
    pub(super) const fn new(kube: Kube, copy: CopyRef, port: u16) -> Self {
        Self { kube, copy, port }
    }

    /// Connects. A pod that does not run yet is asked again: trying finds the agent sooner than waiting for `Running`.
    async fn connect(&self) -> Result<Forwarded, EngineError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.once().await {
                Ok(stream) => return Ok(stream),
                Err(error)
                    if error.may_come()
                        || matches!(error, EngineError::Request { .. } | EngineError::Denied { .. }) =>
                {
                    if Instant::now() + LOOK_AGAIN > deadline {
                        return Err(error);
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn once(&self) -> Result<Forwarded, EngineError> {
        let pod = pods::current(&self.kube, &self.copy).await?;
        let name = pod.metadata.name.unwrap_or_default();
        let asked = attempt(
            &["create", "get"],
            "",
            "pods/portforward",
            Some(&self.copy.namespace),
            Some(&name),
        );
        let forward = pods::api(&self.kube, &self.copy)
            .portforward(&name, &[self.port])
            .await;
        let mut forward = fault(&self.kube, forward, asked).await?;
        let lost = || EngineError::Stream(Box::new(io::Error::other("the port-forward has no stream")));
        let stream = forward.take_stream(self.port).ok_or_else(lost)?;
        let refused = forward.take_error(self.port).map(FutureExt::boxed);
        Ok(Forwarded { stream, refused })
    }
}

impl Dial for PodDial {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        async {
            match self.connect().await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn ByteStream>),
                Err(error) => Err(DialError::caused_by(error.to_string(), error)),
            }
        }
        .boxed()
    }
}

/// A forwarded port. What the kubelet says on the error channel (nobody listens on the port) ends it with that reason;
/// the data channel alone would stay silent.
struct Forwarded {
    stream: DuplexStream,
    refused: Option<BoxFuture<'static, Option<String>>>,
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            // Data first; at its end the reason is worth more than the end.
            Poll::Ready(Ok(())) if buf.filled().len() > before => return Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => return Poll::Ready(self.reason_now(cx).map_or(Ok(()), Err)),
            Poll::Pending => {}
        }
        match self.reason_now(cx) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }
}

impl Forwarded {
    fn reason_now(&mut self, cx: &mut Context<'_>) -> Option<io::Error> {
        let Poll::Ready(reason) = Pin::new(self.refused.as_mut()?).poll(cx) else {
            return None;
        };
        self.refused = None;
        reason.map(|reason| io::Error::new(io::ErrorKind::ConnectionRefused, reason))
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
