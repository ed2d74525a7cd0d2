//! Puts a staged batch in place.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::journal::Mark;
use super::stage::{Staged, StagedPut};
use super::{Store, StoreError};
use crate::diff::Place;
use crate::identity::Identity;
use crate::manifest::Entry;
use crate::path::RelPath;
use crate::session::{Revision, RootHash};

/// What a batch did.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The revision that it made.
    pub revision: Revision,
    /// The root after it.
    pub root: RootHash,
    /// What could not be put in place. The manifest does not hold it, so the roots of the two ends differ.
    pub refused: Vec<Refused>,
    /// The paths that it touched.
    pub places: Vec<Place>,
}

/// A path that stayed as it was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// Which.
    pub place: Place,
    /// Why, for people.
    pub reason: String,
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It was made for other content than the copy holds. Nothing was changed.
    #[error("the batch fits on {wanted}, and the copy is at {found}")]
    Base {
        /// What it was made for.
        wanted: RootHash,
        /// What is there.
        found: RootHash,
    },
    /// The journal could not be written. At the next start the disk says what was done.
    #[error(transparent)]
    State(#[from] StoreError),
}

// === impl Store ===

impl Store {
    /// Applies `staged`: first what makes way for another kind of entry, then folders, files and links, deletions last.
    /// A path that cannot be written is refused by itself; the rest goes on. Only paths that a batch wrote are removed.
    ///
    /// # Errors
    /// [`ApplyError`] if the batch does not fit or the journal could not be written.
    pub fn apply(&mut self, staged: &Staged) -> Result<Applied, ApplyError> {
        let found = self.root();
        if staged.header.base != found {
            return Err(ApplyError::Base {
                wanted: staged.header.base.clone(),
                found,
            });
        }
        let places: Vec<Place> = staged
            .puts
            .iter()
            .map(|put| &put.place)
            .chain(&staged.deletes)
            .cloned()
            .collect();
        self.write(&Mark::Begin {
            places: places.clone(),
        })?;
        let mut work = Work::default();
        let (early, late): (Vec<&Place>, Vec<&Place>) = self.split_deletes(staged);
        for place in early {
            self.delete(place, &mut work);
        }
        for put in &staged.puts {
            if let Err(reason) = self.put(put, &mut work) {
                work.refused.push(Refused {
                    place: put.place.clone(),
                    reason,
                });
            }
        }
        for place in late {
            self.delete(place, &mut work);
        }
        let revision = Revision(self.revision.0 + 1);
        let Work {
            set, gone, refused, ..
        } = work;
        self.write(&Mark::Commit {
            revision,
            set: set.clone(),
            gone: gone.clone(),
        })?;
        self.revision = revision;
        self.remember(&set, &gone);
        Ok(Applied {
            revision,
            root: self.root(),
            refused,
            places,
        })
    }

    /// Deletions below a folder that becomes something else come before the puts, the others after them.
    fn split_deletes<'a>(&self, staged: &'a Staged) -> (Vec<&'a Place>, Vec<&'a Place>) {
        let becoming: BTreeSet<&Place> = staged
            .puts
            .iter()
            .filter(|put| !matches!(put.entry, Entry::Folder))
            .filter(|put| {
                matches!(
                    self.manifest.get(&put.place.to, put.place.path.as_str()),
                    Some(Entry::Folder)
                )
            })
            .map(|put| &put.place)
            .collect();
        staged.deletes.iter().partition(|place| {
            becoming
                .iter()
                .any(|other| other.to == place.to && place.path.within(other.path.as_str()))
        })
    }

    fn put(&self, put: &StagedPut, work: &mut Work) -> Result<(), String> {
        let root = self.folder(&put.place.to).ok_or("no such sync target")?;
        work.check_parents(root, &put.place, |folder| fs::create_dir(folder))?;
        let path = put.place.path.under(root);
        let there = fs::symlink_metadata(&path).ok();
        match &put.source {
            None => make_folder(&path, there.as_ref())?,
            Some(source) => {
                if there.is_some_and(|there| there.is_dir()) {
                    fs::remove_dir(&path).map_err(|error| {
                        format!("a folder is in its way, which holds what was not synced ({error})")
                    })?;
                }
                fs::rename(source, &path).map_err(|error| error.to_string())?;
            }
        }
        let metadata = fs::symlink_metadata(&path).map_err(|error| error.to_string())?;
        work.set
            .push((put.place.clone(), put.entry.clone(), Identity::of(&metadata)));
        Ok(())
    }

    /// Removes what a batch wrote. What is not removed (a folder with other content, say) is no longer ours.
    fn delete(&self, place: &Place, work: &mut Work) {
        let Some(entry) = self.manifest.get(&place.to, place.path.as_str()) else {
            return;
        };
        let Some(root) = self.folder(&place.to) else {
            return;
        };
        work.gone.push(place.clone());
        // A folder that is gone took what was in it along.
        if work
            .check_parents(root, place, |_| Err(io::ErrorKind::NotFound.into()))
            .is_err()
        {
            return;
        }
        let path = place.path.under(root);
        let removed = match entry {
            Entry::Folder => fs::remove_dir(&path),
            Entry::File { .. } | Entry::Link { .. } => fs::remove_file(&path),
        };
        let harmless = [io::ErrorKind::NotFound, io::ErrorKind::DirectoryNotEmpty];
        if let Err(error) = removed
            && !harmless.contains(&error.kind())
        {
            work.refused.push(Refused {
                place: place.clone(),
                reason: format!("cannot remove it ({error})"),
            });
        }
    }
}

/// What has been done so far.
#[derive(Debug, Default)]
struct Work {
    set: Vec<(Place, Entry, Identity)>,
    gone: Vec<Place>,
    refused: Vec<Refused>,
    /// Folders that were seen to be real folders.
    sound: BTreeSet<Place>,
}

// === impl Work ===

impl Work {
    /// Every folder above `place` must be a real folder: writing through a link would leave the root.
    fn check_parents(
        &mut self,
        root: &Path,
        place: &Place,
        missing: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<(), String> {
        for folder in place.path.ancestors() {
            let Ok(path) = RelPath::try_new(folder) else {
                return Err("its folder has no valid name".to_owned());
            };
            let above = Place {
                to: place.to.clone(),
                path,
            };
            if self.sound.contains(&above) {
                continue;
            }
            let disk = above.path.under(root);
            match fs::symlink_metadata(&disk) {
                Ok(there) if there.is_dir() => {}
                Ok(_) => return Err(format!("`{folder}` is no folder in the copy")),
                Err(_) => missing(&disk).map_err(|error| error.to_string())?,
            }
            self.sound.insert(above);
        }
        Ok(())
    }
}

fn make_folder(path: &Path, there: Option<&Metadata>) -> Result<(), String> {
    match there {
        Some(there) if there.is_dir() => return Ok(()),
        Some(_) => fs::remove_file(path).map_err(|error| error.to_string())?,
        None => {}
    }
    fs::create_dir(path).map_err(|error| error.to_string())
}
