//! Compares what was committed with what the disk holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Store;
use crate::diff::Place;
use crate::identity::Identity;
use crate::manifest::{Entry, MODE_MASK};
use crate::scan::hash_file;

/// Where the disk does not hold what was committed.
#[derive(Debug, Clone, Default)]
pub struct Drift {
    /// Paths that hold something else.
    pub set: Vec<(Place, Entry, Identity)>,
    /// Paths that hold nothing that could be synced.
    pub gone: Vec<Place>,
}

/// What may be believed without reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// A file whose identity is the committed one holds what was committed.
    Identity,
    /// Nothing: every file is read.
    Nothing,
}

// === impl Store ===

impl Store {
    /// Looks at size, times and inode of every committed path, and reads those where they changed.
    #[must_use]
    pub fn look_at_changed(&self) -> Drift {
        self.look(Trust::Identity, &[])
    }

    /// Reads every committed path.
    #[must_use]
    pub fn look_at_all(&self) -> Drift {
        self.look(Trust::Nothing, &[])
    }

    pub(super) fn look(&self, trust: Trust, also: &[Place]) -> Drift {
        let mut drift = Drift::default();
        for (place, known) in &self.identities {
            let entry = self.manifest.get(&place.to, place.path.as_str());
            let Some(root) = self.folder(&place.to) else {
                continue;
            };
            match read(root, place, (trust == Trust::Identity).then_some(known)) {
                Read::AsKnown => {}
                // A folder's size and times change with what is put in it; only its being there is synced.
                Read::Found(found, identity)
                    if Some(&found) == entry && (identity == *known || found == Entry::Folder) => {}
                Read::Found(found, identity) => drift.set.push((place.clone(), found, identity)),
                Read::Nothing => drift.gone.push(place.clone()),
            }
        }
        // What a batch was writing when the agent died may lie there without having been committed.
        for place in also.iter().filter(|place| !self.identities.contains_key(*place)) {
            let Some(root) = self.folder(&place.to) else {
                continue;
            };
            if let Read::Found(found, identity) = read(root, place, None) {
                drift.set.push((place.clone(), found, identity));
            }
        }
        drift
    }
}

enum Read {
    AsKnown,
    Found(Entry, Identity),
    Nothing,
}

fn read(root: &Path, place: &Place, known: Option<&Identity>) -> Read {
    let path = place.path.under(root);
    let Ok(metadata) = fs::symlink_metadata(&path) else {
        return Read::Nothing;
    };
    let identity = Identity::of(&metadata);
    let kind = metadata.file_type();
    if known == Some(&identity) && !kind.is_dir() {
        return Read::AsKnown;
    }
    let entry = if kind.is_dir() {
        Some(Entry::Folder)
    } else if kind.is_symlink() {
        fs::read_link(&path).ok().and_then(|target| {
            target.to_str().map(|target| Entry::Link {
                target: target.to_owned(),
            })
        })
    } else if kind.is_file() {
        let mode = metadata.permissions().mode() & MODE_MASK;
        hash_file(&path)
            .ok()
            .map(|(size, hash)| Entry::File { size, hash, mode })
    } else {
        None
    };
    entry.map_or(Read::Nothing, |entry| Read::Found(entry, identity))
}

// === impl Drift ===

impl Drift {
    /// The disk holds what was committed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty()
    }

    /// The paths.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.set.iter().map(|(place, ..)| place).chain(&self.gone)
    }
}
