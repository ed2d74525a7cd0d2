//! The container's own output, so that `kubectl logs` shows the program's.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Lines that may wait for the container's runtime.
const LINES: usize = 1024;

/// Takes lines and never blocks; what the runtime does not take in time is left out of the container's log.
#[derive(Debug, Clone)]
pub struct Container {
    lines: mpsc::Sender<String>,
}

// === impl Container ===

impl Container {
    /// A container's output, and the future that writes it to `out` until every [`Container`] is gone.
    pub fn new<W: AsyncWrite + Unpin>(out: W) -> (Self, impl Future<Output = ()>) {
        let (line_tx, line_rx) = mpsc::channel(LINES);
        (Self { lines: line_tx }, write(line_rx, out))
    }

    /// Writes a line.
    pub fn write(&self, line: &str) {
        if self.lines.try_send(format!("{line}\n")).is_err() {
            tracing::debug!("a line was left out of the container's log");
        }
    }
}

async fn write(mut lines: mpsc::Receiver<String>, mut out: impl AsyncWrite + Unpin) {
    while let Some(line) = lines.recv().await {
        if out.write_all(line.as_bytes()).await.is_err() || out.flush().await.is_err() {
            // Nobody reads the container's log; the client's events are not touched by it.
            return;
        }
    }
}
