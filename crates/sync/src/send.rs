//! Writes a batch to a stream, reading the files as it goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::diff::{Batch, Place};
use crate::frames::{BatchHeader, Operation, write_frame};
use crate::manifest::{ContentHash, Entry};
use crate::session::RootHash;

/// A file up to this size is read at once, and its frame tells what was read.
/// A larger one is streamed, and its hash tells the receiver if it changed since it was scanned.
const WHOLE: u64 = 8 * 1024 * 1024;

/// How far a batch has been written. Read by whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Operations written.
    pub files: AtomicU64,
    /// Bytes of content written, before compression.
    pub bytes: AtomicU64,
}

/// A file that changed between the scan and the sending, and what was sent of it instead, if anything.
pub type Moved = Vec<(Place, Option<Entry>)>;

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A large file became shorter while it was sent. The stream is cut off, and the receiver drops the batch.
    #[error("{0} changed while it was sent")]
    Torn(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The stream broke.
    #[error("the connection broke while a batch was sent")]
    Write(#[from] io::Error),
}

/// Writes `batch`, which fits on `base`. `folders` tells where each root lies here.
///
/// Blocks. A small file that changed since the scan is sent as it is now; one that is gone is sent as a deletion.
/// Both are returned, so that the caller looks at them again.
///
/// # Errors
/// [`SendError`] tells which side failed; the stream is then no batch.
pub fn send(
    batch: &Batch,
    base: &RootHash,
    folders: &BTreeMap<String, PathBuf>,
    progress: &Progress,
    out: &mut impl Write,
) -> Result<Moved, SendError> {
    let operations = (batch.puts.len() + batch.deletes.len()) as u64;
    write_frame(
        out,
        &BatchHeader {
            base: base.clone(),
            operations,
        },
    )?;
    let mut moved = Moved::new();
    for (place, entry) in &batch.puts {
        match entry {
            Entry::File { size, mode, .. } => {
                let folder = folders.get(&place.to).cloned().unwrap_or_default();
                let path = place.path.under(&folder);
                if *size <= WHOLE {
                    send_whole(place, entry, *mode, path, out, &mut moved)?;
                } else {
                    send_streamed(place, entry, path, *size, out)?;
                }
            }
            Entry::Folder | Entry::Link { .. } => put(place, entry, out)?,
        }
        progress.files.fetch_add(1, Ordering::Relaxed);
        progress.bytes.fetch_add(entry.size(), Ordering::Relaxed);
    }
    for place in &batch.deletes {
        write_frame(out, &Operation::Delete { place: place.clone() })?;
    }
    write_frame(out, &Operation::End { operations })?;
    Ok(moved)
}

fn put(place: &Place, entry: &Entry, out: &mut impl Write) -> io::Result<()> {
    write_frame(
        out,
        &Operation::Put {
            place: place.clone(),
            entry: entry.clone(),
        },
    )
}

fn send_whole(
    place: &Place,
    entry: &Entry,
    mode: u32,
    path: PathBuf,
    out: &mut impl Write,
    moved: &mut Moved,
) -> Result<(), SendError> {
    let content = match std::fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            moved.push((place.clone(), None));
            return Ok(write_frame(out, &Operation::Delete { place: place.clone() })?);
        }
        Err(source) => return Err(SendError::Read { path, source }),
    };
    let now = Entry::File {
        size: content.len() as u64,
        hash: ContentHash::of(&content),
        mode,
    };
    put(place, &now, out)?;
    out.write_all(&content)?;
    if now != *entry {
        moved.push((place.clone(), Some(now)));
    }
    Ok(())
}

fn send_streamed(
    place: &Place,
    entry: &Entry,
    path: PathBuf,
    size: u64,
    out: &mut impl Write,
) -> Result<(), SendError> {
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) => return Err(SendError::Read { path, source }),
    };
    put(place, entry, out)?;
    let sent = io::copy(&mut file.take(size), out)?;
    if sent == size {
        Ok(())
    } else {
        Err(SendError::Torn(path))
    }
}
