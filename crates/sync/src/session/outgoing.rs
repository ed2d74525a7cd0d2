//! Turns a batch into bytes for the wire, off the runtime's threads.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::RootHash;
use super::link::Outgoing;
use crate::diff::Batch;
use crate::send::{Moved, Progress, SendError, send};

/// A batch with no more content and operations than this goes as one piece beside the control messages.
const SMALL_BYTES: u64 = 256 * 1024;
const SMALL_OPERATIONS: usize = 500;
/// Pieces of a large batch, and how many may wait for the network.
const PIECE: usize = 128 * 1024;
const PIECES: usize = 16;
/// zstd's level: at this one a core packs faster than a port-forward carries.
const LEVEL: i32 = 1;

/// The batch on its way, and the outcome of the writing.
pub(super) type Started = (Outgoing, Option<JoinHandle<Result<Moved, SendError>>>, Moved);

/// Writes a small batch at once and starts to write a large one.
pub(super) async fn start(
    batch: Arc<Batch>,
    base: RootHash,
    folders: BTreeMap<String, PathBuf>,
    progress: Arc<Progress>,
) -> Result<Started, SendError> {
    if batch.bytes() <= SMALL_BYTES && batch.puts.len() + batch.deletes.len() <= SMALL_OPERATIONS {
        let writing = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            send(&batch, &base, &folders, &progress, &mut bytes).map(|moved| (bytes, moved))
        });
        let (bytes, moved) = writing
            .await
            .map_err(|error| SendError::Write(io::Error::other(error)))??;
        return Ok((Outgoing::Small(bytes.into()), None, moved));
    }
    let (piece_tx, piece_rx) = mpsc::channel(PIECES);
    let writing = tokio::task::spawn_blocking(move || {
        let out = Pieces {
            pieces: piece_tx.clone(),
            buffer: Vec::with_capacity(PIECE),
        };
        let write = || {
            let mut packer = zstd::Encoder::new(out, LEVEL)?;
            let moved = send(&batch, &base, &folders, &progress, &mut packer)?;
            packer.finish()?.flush()?;
            Ok(moved)
        };
        // A stream that ends early must not look like one that is whole.
        write()
            .inspect_err(|_: &SendError| drop(piece_tx.blocking_send(Err(io::ErrorKind::Interrupted.into()))))
    });
    Ok((Outgoing::Large(piece_rx), Some(writing), Moved::new()))
}

/// Collects bytes into pieces.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

// === impl Pieces ===

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.pieces
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
