//! Connections into a copy's pod, by port-forward over WebSocket
//! (Kubernetes: `pods/portforward`, protocol `v4.channel.k8s.io`, WebSocket since 1.30).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{future::Future, io};

use devspace_sync::session::{ByteStream, Dial, DialError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::Instant;

use super::faults::{attempt, fault};
use super::{Kube, pods};
use crate::engine::{CopyRef, EngineError};
use crate::report::one_line;

/// How long a call tries before it reports why there is no connection. A pod comes about within seconds, and a caller that
/// got an error waits longer and longer between its calls, so a start is waited for here.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between tries with a pod that is there.
const TRY_AGAIN: Duration = Duration::from_millis(40);
/// How long the far end may take to say the first word. The agent speaks first (RFC 9113, section 3.4: the server's
/// SETTINGS), and the kubelet says at once that nobody listens. Who says nothing waits for us.
const FIRST_WORD: Duration = Duration::from_millis(100);

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
            let error = match self.once().await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            if !comes(&error) || Instant::now() + TRY_AGAIN > deadline {
                return Err(error);
            }
            if matches!(error, EngineError::NoPod { .. }) {
                match tokio::time::timeout_at(deadline, pods::appears(&self.kube, &self.copy)).await {
                    Ok(appeared) => appeared?,
                    Err(_) => return Err(error),
                }
            } else {
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }

    async fn once(&self) -> Result<Forwarded, EngineError> {
        let pod = pods::current(&self.kube, &self.copy).await?;
        let name = pod.metadata.name.unwrap_or_default();
        let namespace = Some(self.copy.namespace.as_str());
        let asked = attempt(&["create", "get"], "", "pods/portforward", namespace, Some(&name));
        let forward = pods::api(&self.kube, &self.copy)
            .portforward(&name, &[self.port])
            .await;
        let mut forward = fault(&self.kube, forward, asked).await?;
        let lost = || EngineError::Stream(Box::new(io::Error::other("the port-forward has no stream")));
        let mut stream = forward.take_stream(self.port).ok_or_else(lost)?;
        let mut refused = forward.take_error(self.port).map(FutureExt::boxed);
        let ahead = first_word(&mut stream, &mut refused)
            .await
            .map_err(|error| EngineError::Stream(Box::new(error)))?;
        Ok(Forwarded {
            ahead,
            stream,
            refused,
        })
    }
}

/// Whether a try a moment later may succeed: pod, container or listener are on their way.
const fn comes(error: &EngineError) -> bool {
    error.may_come()
        || matches!(
            error,
            EngineError::Request { .. } | EngineError::Denied { .. } | EngineError::Stream(_)
        )
}

type Refused = Option<BoxFuture<'static, Option<String>>>;

/// The first bytes from the far end; none if it waits for ours.
///
/// # Errors
/// Nobody listens on the port.
async fn first_word(stream: &mut DuplexStream, refused: &mut Refused) -> io::Result<Vec<u8>> {
    let mut word = vec![0; 1024];
    let reason = async {
        match refused {
            Some(refused) => refused.await,
            None => None,
        }
    };
    tokio::select! {
        biased;
        reason = reason => {
            *refused = None;
            let reason = reason.unwrap_or_else(|| "the port-forward ended at once".to_owned());
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, reason))
        }
        read = stream.read(&mut word) => match read? {
            0 => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens on the port yet")),
            length => {
                word.truncate(length);
                Ok(word)
            }
        },
        () = tokio::time::sleep(FIRST_WORD) => Ok(Vec::new()),
    }
}

impl Dial for PodDial {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        async {
            match self.connect().await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn ByteStream>),
                Err(error) => Err(DialError::new(one_line(&error))),
            }
        }
        .boxed()
    }
}

/// A forwarded port. What the kubelet says on the error channel (nobody listens on the port) ends it with that reason;
/// the data channel alone would stay silent.
struct Forwarded {
    /// What was read before anybody asked.
    ahead: Vec<u8>,
    stream: DuplexStream,
    refused: Refused,
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buf.remaining());
            let word: Vec<u8> = self.ahead.drain(..length).collect();
            buf.put_slice(&word);
            return Poll::Ready(Ok(()));
        }
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
