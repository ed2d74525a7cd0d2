//! The copy's side of the files: what was committed, where it lies, and how a batch gets in.
//!
//! A batch is staged whole, then applied under one lock, then marked by one line in a journal.
//! What dies half-way is found at the next start: the journal names the paths, and the disk says what they hold.

mod apply;
mod journal;
mod look;
mod stage;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::diff::Place;
use crate::identity::Identity;
use crate::manifest::{Entry, Manifest, Tree};
use crate::path::paths_below;
use crate::session::{Revision, RootHash};

pub use apply::{Applied, ApplyError, Refused};
pub use look::Drift;
pub use stage::{StageError, Staged, stage};

use journal::{Journal, Mark};

/// Where things lie. All folders must be on one file system and reached by one mount, since files are renamed into place.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The store's own folder.
    pub state: PathBuf,
    /// Each root's place in the copy, and the folder that it is.
    pub roots: BTreeMap<String, PathBuf>,
}

/// The copy's files. One owner; every method blocks.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    manifest: Manifest,
    identities: BTreeMap<Place, Identity>,
    revision: Revision,
    journal: Journal,
}

/// Why the store could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A folder could not be made.
    #[error("cannot make {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The journal or the snapshot could not be read.
    #[error("cannot read the state")]
    Read(#[source] io::Error),
    /// The journal or the snapshot could not be written.
    #[error("cannot write the state")]
    Write(#[source] io::Error),
    /// The snapshot was written by something that this version does not know.
    #[error("the state has format {0}, which this version does not know")]
    Format(u32),
}

// === impl Store ===

impl Store {
    /// Opens what `layout.state` holds, or begins with nothing. Paths that a batch was writing when the agent died,
    /// and paths whose identity changed, are read from disk; after another boot of the machine all are.
    ///
    /// # Errors
    /// [`StoreError`] tells the step.
    pub fn open(layout: Layout) -> Result<Self, StoreError> {
        for folder in layout
            .roots
            .values()
            .chain([&layout.state, &stage_folder(&layout.state)])
        {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                path: folder.clone(),
                source,
            })?;
        }
        stage::clear(&stage_folder(&layout.state)).map_err(StoreError::Write)?;
        let (journal, loaded) = Journal::open(&layout.state)?;
        let mut store = Self {
            layout,
            manifest: loaded.manifest,
            identities: loaded.identities,
            revision: loaded.revision,
            journal,
        };
        let trust = if loaded.same_boot {
            look::Trust::Identity
        } else {
            look::Trust::Nothing
        };
        let drift = store.look(trust, &loaded.unfinished);
        store.adopt(&drift)?;
        store.compact()?;
        Ok(store)
    }

    /// Makes `roots` the set of roots. What is forgotten stays on disk; what is new begins empty.
    ///
    /// # Errors
    /// [`StoreError`] if the state could not be written.
    pub fn set_roots(&mut self, roots: &[String]) -> Result<(), StoreError> {
        if roots.len() == self.manifest.roots.len()
            && roots.iter().all(|to| self.manifest.roots.contains_key(to))
        {
            return Ok(());
        }
        self.manifest.roots.retain(|to, _| roots.contains(to));
        self.identities.retain(|place, _| roots.contains(&place.to));
        for to in roots {
            self.manifest.roots.entry(to.clone()).or_default();
        }
        self.compact()
    }

    /// What was committed.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The Merkle root of what was committed.
    #[must_use]
    pub fn root(&self) -> RootHash {
        self.manifest.root()
    }

    /// How many batches were committed.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The places that may be roots.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        self.layout.roots.keys().cloned().collect()
    }

    /// The folder that batches are staged in.
    #[must_use]
    pub fn stage_folder(&self) -> PathBuf {
        stage_folder(&self.layout.state)
    }

    /// Takes over what the disk holds where it is not what was committed.
    ///
    /// # Errors
    /// [`StoreError`] if the state could not be written.
    pub fn adopt(&mut self, drift: &Drift) -> Result<(), StoreError> {
        if drift.is_empty() {
            return Ok(());
        }
        let mark = Mark::Commit {
            revision: self.revision,
            set: drift.set.clone(),
            gone: drift.gone.clone(),
        };
        self.write(&mark)?;
        self.remember(&drift.set, &drift.gone);
        Ok(())
    }

    fn folder(&self, to: &str) -> Option<&Path> {
        self.layout.roots.get(to).map(PathBuf::as_path)
    }

    fn remember(&mut self, set: &[(Place, Entry, Identity)], gone: &[Place]) {
        remember(&mut self.manifest, &mut self.identities, set, gone);
    }

    fn write(&mut self, mark: &Mark) -> Result<(), StoreError> {
        self.journal.append(mark).map_err(StoreError::Write)?;
        if self.journal.is_long() {
            self.compact()
        } else {
            Ok(())
        }
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.journal
            .compact(&self.manifest, &self.identities, self.revision)
            .map_err(StoreError::Write)
    }
}

fn stage_folder(state: &Path) -> PathBuf {
    state.join("stage")
}

fn remember(
    manifest: &mut Manifest,
    identities: &mut BTreeMap<Place, Identity>,
    set: &[(Place, Entry, Identity)],
    gone: &[Place],
) {
    for place in gone {
        if let Some(tree) = manifest.roots.get_mut(&place.to) {
            tree.remove(&place.path);
        }
        identities.remove(place);
    }
    for (place, entry, identity) in set {
        let tree: &mut Tree = manifest.roots.entry(place.to.clone()).or_default();
        // A file that took a folder's place hides what the folder held.
        if !matches!(entry, Entry::Folder) {
            for path in paths_below(tree, &place.path) {
                tree.remove(&path);
                identities.remove(&Place {
                    to: place.to.clone(),
                    path,
                });
            }
        }
        tree.insert(place.path.clone(), entry.clone());
        identities.insert(place.clone(), *identity);
    }
}

#[cfg(test)]
mod tests;
