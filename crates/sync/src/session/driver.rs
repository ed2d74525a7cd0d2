//! Drives a session: scan, connect, send, watch, and again after a cut.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Command, CommandError, Dial, SessionConfig, SessionEvent};

pub(super) async fn drive(
    _dial: Arc<dyn Dial>,
    _config: SessionConfig,
    mut commands: mpsc::Receiver<Command>,
    _events: mpsc::Sender<SessionEvent>,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Verify(answer) => drop(answer.send(Err(CommandError::NotConnected))),
            Command::Restart(answer) => drop(answer.send(Err(CommandError::NotConnected))),
        }
    }
}
