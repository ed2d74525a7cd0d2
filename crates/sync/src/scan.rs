//! Reads a folder of the developer's: what is there, and what it holds.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::identity::{Identity, now_ns};
use crate::manifest::{ContentHash, Entry, MODE_MASK, Tree};
use crate::path::{RelPath, link_stays_inside, paths_below};
use crate::rules::{Matcher, Rules};

/// What a folder held when it was read.
#[derive(Debug, Clone, Default)]
pub struct LocalTree {
    entries: BTreeMap<RelPath, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    entry: Entry,
    identity: Identity,
    /// A later change may not show in the identity, so it is read again at the next look.
    racy: bool,
}

/// A scan and what could not be taken.
#[derive(Debug, Default)]
pub struct Scanned {
    /// What is there now.
    pub tree: LocalTree,
    /// What was left out, for people.
    pub warnings: Vec<String>,
}

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The root is not there, or is no folder.
    #[error("the folder {} is gone", .0.display())]
    RootGone(PathBuf),
    /// A folder or an ignore file could not be read.
    #[error("cannot walk the folder")]
    Walk(#[source] ignore::Error),
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Reads the whole root. Files whose identity is the one in `before` are not read again, unless they are racy.
///
/// Blocks. A file that vanishes while the scan runs is not in it.
///
/// # Errors
/// [`ScanError`] if the root is gone or something in it cannot be read.
pub fn scan(rules: &Rules, before: &LocalTree) -> Result<Scanned, ScanError> {
    let mut scanned = Scanned::default();
    read_below(rules, None, before, &mut scanned)?;
    Ok(scanned)
}

/// Brings `tree` up to date at `path` and below it. Returns what was left out.
///
/// Blocks. Call it again with the root's ignore file rules made anew when [`Rules::is_rule_file`] is true of a path.
///
/// # Errors
/// [`ScanError`] if the root is gone or something cannot be read.
pub fn refresh(
    rules: &Rules,
    matcher: &mut Matcher,
    tree: &mut LocalTree,
    path: &RelPath,
) -> Result<Vec<String>, ScanError> {
    let place = path.under(rules.root());
    let metadata = match fs::symlink_metadata(&place) {
        Ok(metadata) => metadata,
        Err(error) if is_gone(&error) => {
            ensure_root(rules.root())?;
            tree.remove(path);
            return Ok(Vec::new());
        }
        Err(source) => return Err(ScanError::Read { path: place, source }),
    };
    if !matcher.includes(path, metadata.is_dir()) {
        tree.remove(path);
        return Ok(Vec::new());
    }
    let mut scanned = Scanned::default();
    if metadata.is_dir()
        || path
            .parent()
            .is_some_and(|parent| !tree.entries.contains_key(parent))
    {
        read_below(rules, Some(path), tree, &mut scanned)?;
        tree.remove(path);
        tree.entries.append(&mut scanned.tree.entries);
    } else {
        take(rules.root(), path, &metadata, tree, &mut scanned)?;
        tree.remove(path);
        tree.entries.append(&mut scanned.tree.entries);
    }
    Ok(scanned.warnings)
}

/// Reads what the walk yields (with `within`: only what lies on the way to it and below it) into `scanned`.
fn read_below(
    rules: &Rules,
    within: Option<&RelPath>,
    before: &LocalTree,
    scanned: &mut Scanned,
) -> Result<(), ScanError> {
    ensure_root(rules.root())?;
    for found in rules.walk(within).build() {
        let found = match found {
            Ok(found) => found,
            Err(error) if error.io_error().is_some_and(is_gone) => continue,
            Err(error) => return Err(ScanError::Walk(error)),
        };
        if found.depth() == 0 {
            continue;
        }
        let path = match RelPath::below(rules.root(), found.path()) {
            Ok(path) => path,
            Err(error) => {
                scanned.warnings.push(format!("not synced: {error}"));
                continue;
            }
        };
        match fs::symlink_metadata(found.path()) {
            Ok(metadata) => take(rules.root(), &path, &metadata, before, scanned)?,
            Err(error) if is_gone(&error) => {}
            Err(source) => {
                return Err(ScanError::Read {
                    path: found.into_path(),
                    source,
                });
            }
        }
    }
    Ok(())
}

/// Takes one path into `scanned`.
fn take(
    root: &Path,
    path: &RelPath,
    metadata: &Metadata,
    before: &LocalTree,
    scanned: &mut Scanned,
) -> Result<(), ScanError> {
    let identity = Identity::of(metadata);
    if let Some(known) = before.entries.get(path)
        && known.identity == identity
        && !known.racy
    {
        scanned.tree.entries.insert(path.clone(), known.clone());
        return Ok(());
    }
    let read_at = now_ns();
    let place = path.under(root);
    let entry = match read_entry(path, &place, metadata) {
        Ok(entry) => entry,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            scanned
                .warnings
                .push(format!("not synced: `{path}` may not be read"));
            return Ok(());
        }
        Err(source) => return Err(ScanError::Read { path: place, source }),
    };
    match entry {
        Ok(entry) => {
            let racy = identity.is_racy(read_at);
            scanned.tree.entries.insert(
                path.clone(),
                Known {
                    entry,
                    identity,
                    racy,
                },
            );
        }
        Err(warning) => scanned.warnings.push(warning),
    }
    Ok(())
}

/// The entry at `place`, or why it is left out.
fn read_entry(path: &RelPath, place: &Path, metadata: &Metadata) -> io::Result<Result<Entry, String>> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Ok(Ok(Entry::Folder));
    }
    if kind.is_symlink() {
        let target = fs::read_link(place)?;
        let Some(target) = target.to_str() else {
            return Ok(Err(format!(
                "not synced: the link `{path}` leads to a name that is not UTF-8"
            )));
        };
        if !link_stays_inside(path, target) {
            return Ok(Err(format!(
                "not synced: the link `{path}` leads out of its folder, to `{target}`"
            )));
        }
        return Ok(Ok(Entry::Link {
            target: target.to_owned(),
        }));
    }
    if !kind.is_file() {
        return Ok(Err(format!("not synced: `{path}` is no file, folder or link")));
    }
    let (size, hash) = hash_file(place)?;
    Ok(Ok(Entry::File {
        size,
        hash,
        mode: metadata.permissions().mode() & MODE_MASK,
    }))
}

/// Length and hash of a file, as far as it could be read.
///
/// # Errors
/// What the system says.
pub fn hash_file(place: &Path) -> io::Result<(u64, ContentHash)> {
    let mut file = fs::File::open(place)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hasher.update(bytes);
        size += read as u64;
    }
    Ok((size, ContentHash::from_hasher(&hasher)))
}

fn ensure_root(root: &Path) -> Result<(), ScanError> {
    if root.is_dir() {
        Ok(())
    } else {
        Err(ScanError::RootGone(root.to_owned()))
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

// === impl LocalTree ===

impl LocalTree {
    /// What is there, without the identities.
    pub fn entries(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.entries.iter().map(|(path, known)| (path, &known.entry))
    }

    /// What is there as a tree of a manifest.
    #[must_use]
    pub fn to_tree(&self) -> Tree {
        self.entries()
            .map(|(path, entry)| (path.clone(), entry.clone()))
            .collect()
    }

    /// The folders, for the watcher.
    pub fn folders(&self) -> impl Iterator<Item = &RelPath> {
        self.entries()
            .filter(|(_, entry)| matches!(entry, Entry::Folder))
            .map(|(path, _)| path)
    }

    /// The entry at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path).map(|known| &known.entry)
    }

    /// Says that the file at `path` was not what the scan found; the next look reads it.
    pub fn distrust(&mut self, path: &RelPath) {
        if let Some(known) = self.entries.get_mut(path) {
            known.racy = true;
        }
    }

    /// Forgets `path` and all below it.
    fn remove(&mut self, path: &RelPath) {
        self.entries.remove(path);
        let below = paths_below(&self.entries, path);
        for path in below {
            self.entries.remove(&path);
        }
    }
}

#[cfg(test)]
mod tests;
