//! `devspace forward`: a port of a copy on this machine.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::{CopyRef, Engine};
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::up::tunnel::Forward;
use crate::report::{Hint, Report};

/// Why it is not reachable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    /// The port here.
    #[error("cannot listen on port {port} of this machine")]
    Listen { port: u16, source: std::io::Error },
}

/// Makes port `remote` of the copy reachable at `local`, 0 for any, until `cancel` fires.
///
/// # Errors
/// [`ForwardError`].
pub(crate) async fn forward(
    engine: &dyn Engine,
    copy: &CopyRef,
    (local, remote): (u16, u16),
    event_tx: &mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Result<(), ForwardError> {
    let dial = engine.dial(copy, remote);
    let opened = Forward::open(local, dial, copy.service.clone(), event_tx.clone())
        .await
        .map_err(|source| ForwardError::Listen { port: local, source })?;
    let told = Event::Forwarding {
        service: copy.service.clone(),
        address: opened.address.clone(),
        port: remote,
    };
    drop(event_tx.send(told).await);
    cancel.cancelled().await;
    Ok(())
}

impl Report for ForwardError {
    fn code(&self) -> &'static str {
        "port_taken"
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name another one, or 0 for any that is free: `0:8080`"))
    }
}
