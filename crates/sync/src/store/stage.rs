//! Takes a batch from a stream into a folder of its own. Nothing of it is visible to the program yet.
//!
//! The stream is hostile until shown otherwise: paths are checked by their type, links by where they lead,
//! contents by length and hash, counts by the end mark. There is no way to name a device or another owner.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::diff::Place;
use crate::frames::{BatchHeader, FrameError, Operation, read_frame};
use crate::manifest::{ContentHash, Entry, MODE_MASK};
use crate::path::link_stays_inside;

/// More operations than this are no source tree.
const OPERATIONS_MAX: u64 = 4_000_000;

/// A batch that is complete and waits to be applied. Dropping it removes what was staged.
#[derive(Debug)]
pub struct Staged {
    pub(super) header: BatchHeader,
    pub(super) puts: Vec<StagedPut>,
    pub(super) deletes: Vec<Place>,
    /// Bytes of content in it.
    pub bytes: u64,
    _folder: TempDir,
}

#[derive(Debug)]
pub(super) struct StagedPut {
    pub(super) place: Place,
    pub(super) entry: Entry,
    /// The staged file or link; `None` for a folder.
    pub(super) source: Option<PathBuf>,
}

/// Why a batch was not taken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The stream is no batch, or was cut off.
    #[error("the batch cannot be read")]
    Frame(#[from] FrameError),
    /// It names a root that the copy does not have.
    #[error("`{0}` is no sync target of this copy")]
    UnknownRoot(String),
    /// A link leads out of its root.
    #[error("the link {place} leads out of its folder, to `{target}`")]
    LinkOutside {
        /// The link.
        place: Place,
        /// Where it leads.
        target: String,
    },
    /// A file's content is not what its frame says: it changed while it was sent.
    #[error("{0} changed while it was sent")]
    Torn(Place),
    /// The count at the end is not the count of operations.
    #[error("the batch has {found} operations and says {said}")]
    Count {
        /// What came.
        found: u64,
        /// What was announced.
        said: u64,
    },
    /// It could not be written here, for example because the disk is full.
    #[error("cannot stage the batch")]
    Write(#[source] io::Error),
}

/// Reads a batch into a new folder below `folder`. Blocks.
///
/// # Errors
/// [`StageError`]; nothing of the batch is left then.
pub fn stage(input: &mut impl Read, folder: &Path, targets: &BTreeSet<String>) -> Result<Staged, StageError> {
    let header: BatchHeader = read_frame(input)?;
    if header.operations > OPERATIONS_MAX {
        return Err(StageError::Count {
            found: OPERATIONS_MAX,
            said: header.operations,
        });
    }
    let own = TempDir::new_in(folder).map_err(StageError::Write)?;
    let mut staged = Staged {
        header,
        puts: Vec::new(),
        deletes: Vec::new(),
        bytes: 0,
        _folder: own,
    };
    let mut found = 0;
    loop {
        let source = staged._folder.path().join(found.to_string());
        match read_frame(input)? {
            Operation::Put { place, entry } => {
                check_root(&place, targets)?;
                let (entry, source) = take(input, &place, entry, source)?;
                staged.bytes += entry.size();
                staged.puts.push(StagedPut { place, entry, source });
            }
            Operation::Delete { place } => {
                check_root(&place, targets)?;
                staged.deletes.push(place);
            }
            Operation::End { operations }
                if operations == found && operations == staged.header.operations =>
            {
                return Ok(staged);
            }
            Operation::End { operations } => {
                return Err(StageError::Count {
                    found,
                    said: operations,
                });
            }
        }
        found += 1;
        if found > staged.header.operations {
            return Err(StageError::Count {
                found,
                said: staged.header.operations,
            });
        }
    }
}

/// Removes what an agent that died left behind.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    for left in fs::read_dir(folder)? {
        fs::remove_dir_all(left?.path())?;
    }
    Ok(())
}

fn check_root(place: &Place, targets: &BTreeSet<String>) -> Result<(), StageError> {
    if targets.contains(&place.to) {
        Ok(())
    } else {
        Err(StageError::UnknownRoot(place.to.clone()))
    }
}

fn take(
    input: &mut impl Read,
    place: &Place,
    entry: Entry,
    source: PathBuf,
) -> Result<(Entry, Option<PathBuf>), StageError> {
    match entry {
        Entry::Folder => Ok((Entry::Folder, None)),
        Entry::Link { target } => {
            if !link_stays_inside(&place.path, &target) {
                return Err(StageError::LinkOutside {
                    place: place.clone(),
                    target,
                });
            }
            std::os::unix::fs::symlink(&target, &source).map_err(StageError::Write)?;
            Ok((Entry::Link { target }, Some(source)))
        }
        Entry::File { size, hash, mode } => {
            let mode = mode & MODE_MASK;
            let found = take_file(input, &source, size, mode)?;
            if found != hash {
                return Err(StageError::Torn(place.clone()));
            }
            Ok((Entry::File { size, hash, mode }, Some(source)))
        }
    }
}

fn take_file(input: &mut impl Read, source: &Path, size: u64, mode: u32) -> Result<ContentHash, StageError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(source)
        .map_err(StageError::Write)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; usize::try_from(size).unwrap_or(usize::MAX).min(128 * 1024)];
    let mut left = size;
    while left > 0 {
        let part = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(part) = buffer.get_mut(..part) else { break };
        input.read_exact(part).map_err(FrameError::Cut)?;
        hasher.update(part);
        file.write_all(part).map_err(StageError::Write)?;
        left -= part.len() as u64;
    }
    // Not by the mode of `open`, which the process's umask narrows.
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(StageError::Write)?;
    Ok(ContentHash::from_hasher(&hasher))
}
