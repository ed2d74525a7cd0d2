//! What a set of synced folders holds, and the root that proves it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::path::RelPath;
use crate::session::RootHash;

/// The permission bits that are kept. Owner, set-id and sticky bits are not.
pub const MODE_MASK: u32 = 0o777;

/// BLAKE3 of a file's content; hexadecimal in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Entry {
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// Its content.
        hash: ContentHash,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link {
        /// Where it leads, as written in it.
        target: String,
    },
}

/// The entries below one root. Every folder above an entry is an entry too.
pub type Tree = BTreeMap<RelPath, Entry>;

/// All roots, by their place in the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest {
    /// The trees, by the absolute path in the copy.
    pub roots: BTreeMap<String, Tree>,
}

// === impl ContentHash ===

impl ContentHash {
    /// The hash of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }

    /// The hash that `hasher` has come to.
    #[must_use]
    pub fn from_hasher(hasher: &blake3::Hasher) -> Self {
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl TryFrom<String> for ContentHash {
    type Error = blake3::HexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes()))
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        blake3::Hash::from_bytes(hash.0).to_hex().to_string()
    }
}

// === impl Entry ===

impl Entry {
    /// The bytes of content it stands for.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Folder | Self::Link { .. } => 0,
        }
    }

    fn feed(&self, hasher: &mut blake3::Hasher) {
        match self {
            Self::File { size, hash, mode } => {
                hasher
                    .update(b"f")
                    .update(&size.to_le_bytes())
                    .update(&hash.0)
                    .update(&mode.to_le_bytes());
            }
            Self::Folder => {
                hasher.update(b"d");
            }
            Self::Link { target } => {
                hasher.update(b"l");
                feed_text(hasher, target);
            }
        }
    }
}

// === impl Manifest ===

impl Manifest {
    /// The Merkle root: a digest over the digests of all folders, each over its entries in order of their names.
    #[must_use]
    pub fn root(&self) -> RootHash {
        let mut top = blake3::Hasher::new();
        for (to, tree) in &self.roots {
            top.update(b"r");
            feed_text(&mut top, to);
            for (folder, digest) in folder_digests(tree) {
                feed_text(&mut top, folder);
                top.update(digest.finalize().as_bytes());
            }
        }
        RootHash(top.finalize().to_hex().to_string())
    }

    /// How many entries all roots hold.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.values().map(Tree::len).sum()
    }

    /// No root holds an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.values().all(Tree::is_empty)
    }

    /// The entry at a path.
    #[must_use]
    pub fn get(&self, to: &str, path: &str) -> Option<&Entry> {
        self.roots.get(to)?.get(path)
    }

    /// Files and their bytes.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let files = self
            .roots
            .values()
            .flat_map(Tree::values)
            .filter(|entry| matches!(entry, Entry::File { .. }));
        files.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size()))
    }
}

/// One digest for each folder that holds something. Path order keeps the entries of a folder in order.
fn folder_digests(tree: &Tree) -> BTreeMap<&str, blake3::Hasher> {
    let mut folders: BTreeMap<&str, blake3::Hasher> = BTreeMap::new();
    for (path, entry) in tree {
        let hasher = folders.entry(path.parent().unwrap_or("")).or_default();
        feed_text(hasher, path.name());
        entry.feed(hasher);
    }
    folders
}

/// The length comes first, so that no two sequences of texts feed the same bytes.
fn feed_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher
        .update(&(text.len() as u64).to_le_bytes())
        .update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str, mode: u32) -> Entry {
        Entry::File {
            size: content.len() as u64,
            hash: ContentHash::of(content.as_bytes()),
            mode,
        }
    }

    fn manifest(entries: &[(&str, Entry)]) -> Manifest {
        let tree = entries
            .iter()
            .map(|(path, entry)| (RelPath::try_new(path).unwrap(), entry.clone()))
            .collect();
        Manifest {
            roots: BTreeMap::from([("/src".to_owned(), tree)]),
        }
    }

    #[test]
    fn the_root_changes_with_everything_that_is_kept() {
        let base = manifest(&[
            ("a", Entry::Folder),
            ("a/x", file("one", 0o644)),
            ("l", Entry::Link { target: "a".into() }),
        ]);
        let others = [
            manifest(&[
                ("a", Entry::Folder),
                ("a/x", file("two", 0o644)),
                ("l", Entry::Link { target: "a".into() }),
            ]),
            manifest(&[
                ("a", Entry::Folder),
                ("a/x", file("one", 0o755)),
                ("l", Entry::Link { target: "a".into() }),
            ]),
            manifest(&[
                ("a", Entry::Folder),
                ("a/y", file("one", 0o644)),
                ("l", Entry::Link { target: "a".into() }),
            ]),
            manifest(&[
                ("a", Entry::Folder),
                ("a/x", file("one", 0o644)),
                ("l", Entry::Link { target: "b".into() }),
            ]),
            manifest(&[("a", Entry::Folder), ("a/x", file("one", 0o644))]),
            manifest(&[
                ("b", Entry::Folder),
                ("b/x", file("one", 0o644)),
                ("l", Entry::Link { target: "a".into() }),
            ]),
        ];
        assert_eq!(base.root(), base.clone().root());
        for other in others {
            assert_ne!(base.root(), other.root());
        }
    }

    #[test]
    fn the_root_is_the_same_after_json() {
        let base = manifest(&[("a", Entry::Folder), ("a/x", file("one", 0o644))]);
        let text = serde_json::to_string(&base).unwrap();
        assert_eq!(
            serde_json::from_str::<Manifest>(&text).unwrap().root(),
            base.root()
        );
    }
}
