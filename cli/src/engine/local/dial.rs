//! Connections into a copy: a port of it over the daemon's socket.

use std::time::Duration;

use devspace_local::protocol::UPGRADE;
use devspace_sync::session::{ByteStream, Dial, DialError};
use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::Method;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::request::{Ask, Client, path};
use crate::engine::{Attempt, CopyRef, EngineError};

/// How long a call tries before it says why there is no connection: a copy's agent comes about within milliseconds, and
/// a caller that got an error waits longer and longer between its calls.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between tries.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Connects to one port of whichever process the copy is now.
pub(super) struct CopyDial {
    client: Client,
    copy: CopyRef,
    port: u16,
}

impl CopyDial {
    pub(super) const fn new(client: Client, copy: CopyRef, port: u16) -> Self {
        Self { client, copy, port }
    }

    async fn connect(&self) -> Result<TokioIo<Upgraded>, EngineError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.once().await {
                Err(error) if comes(&error) && Instant::now() + TRY_AGAIN < deadline => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                result => return result,
            }
        }
    }

    async fn once(&self) -> Result<TokioIo<Upgraded>, EngineError> {
        let port = self.port.to_string();
        let path = path(&["copies", &self.copy.namespace, &self.copy.service, "dial", &port]);
        let ask = Ask {
            method: Method::GET,
            path: &path,
            upgrade: Some(UPGRADE),
            body: None,
            attempt: Some(attempt(&self.copy)),
        };
        let mut answer = self.client.send(ask).await?;
        let upgraded = hyper::upgrade::on(&mut answer.response)
            .await
            .map_err(|error| self.client.broken(error))?;
        // The bytes have left the connection that asked for them.
        drop(answer.connection);
        Ok(TokioIo::new(upgraded))
    }
}

/// A connection into a copy, in the words of errors.
pub(super) fn attempt(copy: &CopyRef) -> Box<Attempt> {
    Box::new(Attempt {
        verbs: &["get"],
        group: devspace_api::GROUP.to_owned(),
        resource: "servicecopies".to_owned(),
        namespace: Some(copy.namespace.clone()),
        name: Some(copy.service.clone()),
    })
}

/// Whether a try a moment later may succeed: the copy or its program is on its way.
const fn comes(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::NotFound { .. } | EngineError::LocalRefused { .. } | EngineError::LocalFailed { .. }
    )
}

impl Dial for CopyDial {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        async {
            match self.connect().await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn ByteStream>),
                Err(error) => Err(DialError::new(crate::report::one_line(&error))),
            }
        }
        .boxed()
    }
}
