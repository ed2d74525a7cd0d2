//! The store's memory: a snapshot and the marks since it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{StoreError, remember};
use crate::diff::Place;
use crate::identity::Identity;
use crate::manifest::{Entry, Manifest};
use crate::session::Revision;

/// The snapshot's format. A reader that does not know it must not guess.
const FORMAT: u32 = 1;
/// A journal longer than this is folded into a new snapshot.
const LONG: u64 = 8 * 1024 * 1024;

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "camelCase")]
pub(super) enum Mark {
    /// These paths are about to be written.
    Begin { places: Vec<Place> },
    /// This is what they hold now. It is the commit of a batch.
    Commit {
        revision: Revision,
        set: Vec<(Place, Entry, Identity)>,
        gone: Vec<Place>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    format: u32,
    boot: String,
    revision: Revision,
    roots: Vec<String>,
    entries: Vec<(Place, Entry, Identity)>,
}

/// What was found at the start.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    pub(super) identities: BTreeMap<Place, Identity>,
    pub(super) revision: Revision,
    /// Paths of a batch that was begun and not committed.
    pub(super) unfinished: Vec<Place>,
    /// The machine has not been started anew since, so what was written without a sync to disk is there.
    pub(super) same_boot: bool,
}

#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    file: File,
    length: u64,
}

// === impl Journal ===

impl Journal {
    pub(super) fn open(folder: &Path) -> Result<(Self, Loaded), StoreError> {
        let mut loaded = Loaded {
            same_boot: true,
            ..Loaded::default()
        };
        match fs::read(folder.join("manifest.json")) {
            Ok(text) => {
                let snapshot: Snapshot =
                    serde_json::from_slice(&text).map_err(|error| StoreError::Read(error.into()))?;
                if snapshot.format != FORMAT {
                    return Err(StoreError::Format(snapshot.format));
                }
                loaded.same_boot = snapshot.boot == boot_id();
                loaded.revision = snapshot.revision;
                loaded.manifest.roots = snapshot
                    .roots
                    .into_iter()
                    .map(|to| (to, BTreeMap::new()))
                    .collect();
                remember(
                    &mut loaded.manifest,
                    &mut loaded.identities,
                    &snapshot.entries,
                    &[],
                );
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::Read(error)),
        }
        let path = folder.join("journal");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)
            .map_err(StoreError::Read)?;
        replay(&file, &mut loaded).map_err(StoreError::Read)?;
        let length = file.metadata().map_err(StoreError::Read)?.len();
        Ok((
            Self {
                folder: folder.to_owned(),
                file,
                length,
            },
            loaded,
        ))
    }

    pub(super) fn append(&mut self, mark: &Mark) -> io::Result<()> {
        let mut line = serde_json::to_vec(mark)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.length += line.len() as u64;
        Ok(())
    }

    pub(super) fn is_long(&self) -> bool {
        self.length > LONG
    }

    /// Writes everything as a snapshot and empties the journal. The order makes a death between the two harmless:
    /// marks that the snapshot holds already change nothing when they are read again.
    pub(super) fn compact(
        &mut self,
        manifest: &Manifest,
        identities: &BTreeMap<Place, Identity>,
        revision: Revision,
    ) -> io::Result<()> {
        let entries = identities.iter().filter_map(|(place, identity)| {
            let entry = manifest.get(&place.to, place.path.as_str())?;
            Some((place.clone(), entry.clone(), *identity))
        });
        let snapshot = Snapshot {
            format: FORMAT,
            boot: boot_id(),
            revision,
            roots: manifest.roots.keys().cloned().collect(),
            entries: entries.collect(),
        };
        let fresh = self.folder.join("manifest.new");
        let mut out = BufWriter::new(File::create(&fresh)?);
        serde_json::to_writer(&mut out, &snapshot)?;
        out.flush()?;
        fs::rename(fresh, self.folder.join("manifest.json"))?;
        self.file.set_len(0)?;
        self.length = 0;
        Ok(())
    }
}

fn replay(file: &File, loaded: &mut Loaded) -> io::Result<()> {
    let mut lines = BufReader::new(file).lines().peekable();
    while let Some(line) = lines.next() {
        let mark = match serde_json::from_str(&line?) {
            Ok(mark) => mark,
            // Only the last line can be torn, and then what it would have said has not happened.
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(error.into()),
        };
        match mark {
            Mark::Begin { places } => loaded.unfinished.extend(places),
            Mark::Commit { revision, set, gone } => {
                loaded.revision = revision;
                remember(&mut loaded.manifest, &mut loaded.identities, &set, &gone);
                loaded.unfinished.clear();
            }
        }
    }
    Ok(())
}

/// Changes at each start of the machine (proc(5)). Empty where it cannot be read, which then means never the same.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
