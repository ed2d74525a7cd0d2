//! The CLI's end of the loop: keeps one copy equal to the developer's folders and tells what happens there.
//!
//! [`start`] returns at once. Everything that happens is told by [`SessionEvent`]; the receiver must be drained,
//! since a full channel holds the session back.
//! This module knows neither Kubernetes nor printing: it reaches the agent through [`Dial`].

mod config;
mod dial;
mod driver;
mod event;
mod folders;
mod here;
mod link;
mod look;
mod outgoing;
mod quiet;
mod tunnel;
mod watch;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use config::{Build, ClientIdentity, Program, SessionConfig, SyncRoot};
pub use dial::{ByteStream, Dial, DialError};
pub use event::{Exit, OutputStream, Revision, RootHash, SessionEvent};
pub use look::{LookError, look};
pub use tunnel::{Tunnel, TunnelError};

/// Events that may wait for the receiver.
const EVENTS: usize = 1024;
/// Commands that may wait for the driver.
const COMMANDS: usize = 16;

/// What a [`Session`] asks of its driver.
enum Command {
    Verify(oneshot::Sender<Result<Proof, CommandError>>),
    Restart(oneshot::Sender<Result<(), CommandError>>),
}

/// What [`Session::verify`] found. Both sides were read from the disk for it, no cache was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The copy's revision.
    pub revision: Revision,
    /// The root over the folders on this machine.
    pub here: RootHash,
    /// The root over the synced paths in the copy.
    pub there: RootHash,
    /// Files, links and folders compared.
    pub entries: u64,
    /// The paths that differ, as `target/path`, at most 100.
    pub differing: Vec<String>,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// There is no connection to the copy now.
    #[error("the copy is not connected")]
    NotConnected,
    /// The agent refused or the connection broke while it answered.
    #[error("the agent did not do it: {0}")]
    Refused(String),
    /// The folders on this machine could not be read.
    #[error("cannot read the folders: {0}")]
    Scan(String),
}

/// A running session, the owner of its tasks. Dropping it ends them; the copy runs on.
#[derive(Debug)]
pub struct Session {
    commands: mpsc::Sender<Command>,
    tunnel: Tunnel,
    tasks: JoinSet<()>,
    cancel: DropGuard,
}

/// Starts a session. It ends when `cancel` fires, when the [`Session`] is dropped, when another session takes the
/// copy, or when it cannot go on ([`SessionEvent::Halted`] says why); the end of the events is its end.
///
/// Must be called within a tokio runtime.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a caller gives its token away as it gives the dial and the configuration"
)]
pub fn start(
    dial: Arc<dyn Dial>,
    config: SessionConfig,
    cancel: CancellationToken,
) -> (Session, mpsc::Receiver<SessionEvent>) {
    let (event_tx, event_rx) = mpsc::channel(EVENTS);
    let (command_tx, command_rx) = mpsc::channel(COMMANDS);
    let cancel = cancel.child_token();
    let tunnel = Tunnel::new(Arc::clone(&dial), config.client.clone());
    let mut tasks = JoinSet::new();
    let ended = cancel.clone();
    tasks.spawn(async move {
        // A session whose driver ended gives its tunnels up too: another session may own the copy.
        let guard = ended.clone().drop_guard();
        ended
            .run_until_cancelled(driver::drive(dial, config, command_rx, event_tx))
            .await;
        drop(guard);
    });
    (
        Session {
            commands: command_tx,
            tunnel,
            tasks,
            cancel: cancel.drop_guard(),
        },
        event_rx,
    )
}

// === impl Session ===

impl Session {
    /// Relays `stream` to the gateway through the copy's agent until both directions have ended.
    /// A direction that ends is half-closed at the other side. Cancel safe: dropping it closes both sides.
    ///
    /// # Errors
    /// [`TunnelError`] names the step that failed.
    pub async fn tunnel(&self, stream: impl ByteStream) -> Result<(), TunnelError> {
        self.tunnel.relay(stream).await
    }

    /// A handle that relays connections and may be held by other tasks.
    #[must_use]
    pub fn tunnels(&self) -> Tunnel {
        self.tunnel.clone()
    }

    /// Reads both sides from disk and compares them.
    ///
    /// # Errors
    /// [`CommandError`] if there is no connection or a side cannot be read.
    pub async fn verify(&self) -> Result<Proof, CommandError> {
        self.ask(Command::Verify).await
    }

    /// Stops the program and starts it again, without a build.
    ///
    /// # Errors
    /// [`CommandError`] if there is no connection.
    pub async fn restart(&self) -> Result<(), CommandError> {
        self.ask(Command::Restart).await
    }

    /// Ends the session and waits until its tasks are gone. The copy runs on.
    pub async fn shutdown(self) {
        let Self {
            mut tasks, cancel, ..
        } = self;
        drop(cancel);
        while tasks.join_next().await.is_some() {}
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, CommandError>>) -> Command,
    ) -> Result<T, CommandError> {
        let (answer_tx, answer_rx) = oneshot::channel();
        self.commands
            .send(command(answer_tx))
            .await
            .map_err(|_| CommandError::Ended)?;
        answer_rx.await.map_err(|_| CommandError::Ended)?
    }
}
