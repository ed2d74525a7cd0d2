//! `devspace-agent seed`: copies what the image holds under a sync target into the volume,
//! so that mounting the volume over it loses nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use devspace_sync::store::{Layout, Store, StoreError};

/// Which step failed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The agent's state could not be read.
    #[error("cannot read which files are synced")]
    State(#[source] StoreError),
    /// A path could not be copied.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The path in the image.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The mark could not be written.
    #[error("cannot write the mark {}", path.display())]
    Mark {
        /// The mark.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeded {
    /// This image was seeded before.
    Already,
    /// So many entries were copied.
    Copied(u64),
}

/// Copies `from` into `to`, once for each state of `from`. Paths that a session synced are left alone.
/// An image that holds nothing at `from` seeds nothing.
///
/// # Errors
/// [`SeedError`] names the step.
pub fn seed(from: &Path, to: &Path) -> Result<Seeded, SeedError> {
    let entries = list(from).map_err(|source| SeedError::Copy {
        path: from.to_owned(),
        source,
    })?;
    let mark = mark_of(to);
    let fingerprint = fingerprint(from, &entries);
    if fs::read_to_string(&mark).is_ok_and(|found| found == fingerprint) {
        return Ok(Seeded::Already);
    }
    let synced = synced(from, to).map_err(SeedError::State)?;
    fs::create_dir_all(to).map_err(|source| SeedError::Copy {
        path: to.to_owned(),
        source,
    })?;
    let mut copied = 0;
    for path in entries.iter().filter(|path| !synced.contains(*path)) {
        copy(&from.join(path), &to.join(path)).map_err(|source| SeedError::Copy {
            path: from.join(path),
            source,
        })?;
        copied += 1;
    }
    fs::write(&mark, fingerprint).map_err(|source| SeedError::Mark { path: mark, source })?;
    Ok(Seeded::Copied(copied))
}

/// Beside the folder: in it, the program and the sync would see it.
fn mark_of(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".seeded");
    to.with_file_name(name)
}

/// Every path below `root`, folders before what they hold.
fn list(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.as_os_str().is_empty() => break,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Names, sizes and times: another image has another one.
fn fingerprint(root: &Path, entries: &[PathBuf]) -> String {
    let mut hasher = blake3::Hasher::new();
    for path in entries {
        let stamp = fs::symlink_metadata(root.join(path))
            .map(|there| (there.len(), there.mtime(), there.mtime_nsec()));
        hasher.update(format!("{path:?} {:?}\n", stamp.ok()).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn synced(from: &Path, to: &Path) -> Result<BTreeSet<PathBuf>, StoreError> {
    // `to` is `<volume>/src/<n>`, and the state lies at `<volume>/state`.
    let Some(state) = to
        .parent()
        .and_then(Path::parent)
        .map(|volume| volume.join("state"))
    else {
        return Ok(BTreeSet::new());
    };
    if !state.join("manifest.json").exists() {
        return Ok(BTreeSet::new());
    }
    let target = from.to_string_lossy().into_owned();
    let store = Store::open(Layout {
        state,
        roots: [(target.clone(), to.to_owned())].into(),
    })?;
    let tree = store.manifest().roots.get(&target);
    Ok(tree
        .into_iter()
        .flatten()
        .map(|(path, _)| PathBuf::from(path.as_str()))
        .collect())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    let there = fs::symlink_metadata(to).ok();
    if kind.is_dir() {
        if there.is_some_and(|there| there.is_dir()) {
            Ok(())
        } else {
            fs::create_dir(to)
        }
    } else if kind.is_symlink() {
        if there.is_some() {
            fs::remove_file(to)?;
        }
        symlink(fs::read_link(from)?, to)
    } else if kind.is_file() {
        // Another container may run a file of an earlier image; a new one takes its name.
        if there.is_some() {
            fs::remove_file(to)?;
        }
        fs::copy(from, to).map(|_| ())
    } else {
        // A device, pipe or socket of an image has no use in a volume.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_seeded_once_and_synced_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (image, to) = (folder.path().join("app"), folder.path().join("volume/src/0"));
        fs::create_dir_all(image.join("node_modules/x")).unwrap();
        fs::write(image.join("node_modules/x/index.js"), "1").unwrap();
        symlink("x", image.join("node_modules/y")).unwrap();
        assert_eq!(seed(&image, &to).unwrap(), Seeded::Copied(4));
        assert_eq!(seed(&image, &to).unwrap(), Seeded::Already);
        fs::write(image.join("new"), "2").unwrap();
        assert_eq!(seed(&image, &to).unwrap(), Seeded::Copied(5));
        assert_eq!(
            fs::read_to_string(to.join("node_modules/y/index.js")).unwrap(),
            "1"
        );
    }

    #[test]
    fn an_image_without_the_folder_seeds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("volume/src/0");
        assert_eq!(seed(&folder.path().join("no"), &to).unwrap(), Seeded::Copied(0));
    }
}
