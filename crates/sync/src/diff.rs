//! What must change in the copy so that it equals the folders.

use crate::manifest::{Entry, Manifest, Tree};
use crate::path::RelPath;

/// One path of one root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The root's place in the copy.
    pub to: String,
    /// The path below it.
    pub path: RelPath,
}

/// What makes the copy equal to the folders when it is applied as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What is written: a folder comes before what lies in it.
    pub puts: Vec<(Place, Entry)>,
    /// What is removed: what lies in a folder comes before it.
    pub deletes: Vec<Place>,
}

/// Why nothing may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// A root that held something holds nothing now.
    /// That is more often an unmounted disk or a wrong path than a wish to empty the copy.
    #[error("the folder for {to} is empty, and the copy holds {entries} paths of it; nothing is removed")]
    RootEmptied {
        /// The root's place in the copy.
        to: String,
        /// How many paths the copy holds.
        entries: usize,
    },
}

/// Compares what is here with what the copy says it holds. Roots that only the copy has are left alone.
///
/// # Errors
/// [`Halt`] if the batch would remove everything of a root.
pub fn diff(here: &Manifest, there: &Manifest) -> Result<Batch, Halt> {
    let nothing = Tree::new();
    let mut batch = Batch::default();
    for (to, local) in &here.roots {
        let remote = there.roots.get(to).unwrap_or(&nothing);
        if local.is_empty() && !remote.is_empty() {
            return Err(Halt::RootEmptied {
                to: to.clone(),
                entries: remote.len(),
            });
        }
        let place = |path: &RelPath| Place {
            to: to.clone(),
            path: path.clone(),
        };
        let changed = local
            .iter()
            .filter(|(path, entry)| remote.get(*path) != Some(*entry));
        batch
            .puts
            .extend(changed.map(|(path, entry)| (place(path), entry.clone())));
        batch.deletes.extend(
            remote
                .keys()
                .rev()
                .filter(|path| !local.contains_key(*path))
                .map(place),
        );
    }
    Ok(batch)
}

// === impl Place ===

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.to.trim_end_matches('/'), self.path)
    }
}

// === impl Batch ===

impl Batch {
    /// There is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// The bytes of content that it carries.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.puts.iter().map(|(_, entry)| entry.size()).sum()
    }

    /// Every path that it touches.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.puts.iter().map(|(place, _)| place).chain(&self.deletes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ContentHash;

    fn manifest(paths: &[(&str, Option<&str>)]) -> Manifest {
        let entry = |content: &Option<&str>| match content {
            None => Entry::Folder,
            Some(text) => Entry::File {
                size: text.len() as u64,
                hash: ContentHash::of(text.as_bytes()),
                mode: 0o644,
            },
        };
        let tree = paths
            .iter()
            .map(|(path, content)| (RelPath::try_new(path).unwrap(), entry(content)))
            .collect();
        Manifest {
            roots: [("/src".to_owned(), tree)].into(),
        }
    }

    fn names(places: impl IntoIterator<Item = Place>) -> Vec<String> {
        places
            .into_iter()
            .map(|place| place.path.as_str().to_owned())
            .collect()
    }

    #[test]
    fn folders_come_first_and_go_last() {
        let here = manifest(&[("n", None), ("n/x", Some("1")), ("same", Some("s"))]);
        let there = manifest(&[
            ("o", None),
            ("o/p", None),
            ("o/p/y", Some("2")),
            ("same", Some("s")),
        ]);
        let batch = diff(&here, &there).unwrap();
        assert_eq!(
            names(batch.puts.into_iter().map(|(place, _)| place)),
            ["n", "n/x"]
        );
        assert_eq!(names(batch.deletes), ["o/p/y", "o/p", "o"]);
    }

    #[test]
    fn an_emptied_root_halts_and_an_empty_start_does_not() {
        let full = manifest(&[("a", Some("1"))]);
        let empty = manifest(&[]);
        assert!(matches!(
            diff(&empty, &full),
            Err(Halt::RootEmptied { entries: 1, .. })
        ));
        assert!(diff(&empty, &empty).unwrap().is_empty());
        assert!(diff(&empty, &Manifest::default()).unwrap().is_empty());
    }
}
