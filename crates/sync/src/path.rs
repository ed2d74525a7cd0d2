//! Paths below a sync root.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The longest path that Linux takes (PATH_MAX, limits.h).
const PATH_MAX: usize = 4096;
/// The longest name that Linux takes (NAME_MAX, limits.h).
const NAME_MAX: usize = 255;

/// A path below a root: `/` between names, no `.`, no `..`, not absolute, not empty, UTF-8.
///
/// What has this type stays inside its root as long as no folder on the way is a symbolic link;
/// whoever writes must check the latter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(Box<str>);

/// Why a text is no path below a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Nothing was given.
    #[error("a path is empty")]
    Empty,
    /// Longer than a system takes.
    #[error("a path is longer than {PATH_MAX} bytes")]
    TooLong,
    /// A part is empty, `.`, `..`, too long, or holds a NUL.
    #[error("`{0}` does not stay below its root")]
    Outside(String),
    /// Not UTF-8.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(String),
}

// === impl RelPath ===

impl RelPath {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`InvalidPath`] names the rule that `text` breaks.
    pub fn try_new(text: &str) -> Result<Self, InvalidPath> {
        if text.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if text.len() > PATH_MAX {
            return Err(InvalidPath::TooLong);
        }
        let sound = |name: &str| {
            !name.is_empty() && name != "." && name != ".." && name.len() <= NAME_MAX && !name.contains('\0')
        };
        if !text.split('/').all(sound) {
            return Err(InvalidPath::Outside(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// Takes `path`, which must lie below `root` as its text says.
    ///
    /// # Errors
    /// [`InvalidPath`] if it does not, is the root itself, or is not UTF-8.
    pub fn below(root: &Path, path: &Path) -> Result<Self, InvalidPath> {
        let rest = path
            .strip_prefix(root)
            .map_err(|_| InvalidPath::Outside(path.to_string_lossy().into_owned()))?;
        let mut names = Vec::new();
        for component in rest.components() {
            let Component::Normal(name) = component else {
                return Err(InvalidPath::Outside(path.to_string_lossy().into_owned()));
            };
            let name = name
                .to_str()
                .ok_or_else(|| InvalidPath::NotUtf8(path.to_string_lossy().into_owned()))?;
            names.push(name);
        }
        Self::try_new(&names.join("/"))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder it lies in; `None` if that is the root.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Its last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// All folders above it, the nearest last, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').filter_map(|(at, _)| self.0.get(..at))
    }

    /// It is `folder` or lies below it.
    #[must_use]
    pub fn within(&self, folder: &str) -> bool {
        self.0
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The place on disk, below `root`.
    #[must_use]
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(&*self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = InvalidPath;
    fn try_from(text: String) -> Result<Self, InvalidPath> {
        Self::try_new(&text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0.into()
    }
}

impl std::borrow::Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The paths in `map` that lie below `folder`, without `folder` itself.
pub(crate) fn paths_below<V>(map: &BTreeMap<RelPath, V>, folder: &RelPath) -> Vec<RelPath> {
    let first = format!("{folder}/");
    map.range::<str, _>((Bound::Included(first.as_str()), Bound::Unbounded))
        .map(|(path, _)| path)
        .take_while(|path| path.as_str().starts_with(&first))
        .cloned()
        .collect()
}

/// Whether a symbolic link at `path` with this `target` stays below the root, as its text says.
#[must_use]
pub fn link_stays_inside(path: &RelPath, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') || target.len() > PATH_MAX {
        return false;
    }
    let mut depth = path.ancestors().count();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_paths_are_no_paths() {
        for text in [
            "",
            "/etc/passwd",
            "..",
            "a/../../b",
            "a//b",
            "./a",
            "a/.",
            "a\0b",
            "a/",
        ] {
            assert!(RelPath::try_new(text).is_err(), "{text:?}");
        }
        assert!(RelPath::try_new(&"a".repeat(256)).is_err());
        assert!(serde_json::from_str::<RelPath>("\"../x\"").is_err());
        assert!(RelPath::try_new("a/b c/ä.txt").is_ok());
    }

    #[test]
    fn a_path_knows_its_folders() {
        let path = RelPath::try_new("a/b/c").unwrap();
        assert_eq!(path.parent(), Some("a/b"));
        assert_eq!(path.name(), "c");
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["a", "a/b"]);
        assert!(
            path.within("a/b") && path.within("a/b/c") && !path.within("a/bc") && !path.within("a/b/c/d")
        );
    }

    #[test]
    fn a_link_may_not_leave_its_root() {
        let path = RelPath::try_new("a/b/link").unwrap();
        assert!(link_stays_inside(&path, "../../x"));
        assert!(link_stays_inside(&path, "c/../../../x"));
        assert!(!link_stays_inside(&path, "../../../x"));
        assert!(!link_stays_inside(&path, "/etc/passwd"));
        assert!(!link_stays_inside(&path, ""));
        // Out and back in again still leaves: what lies outside decides where it leads.
        assert!(!link_stays_inside(&path, "../../../root/x"));
    }
}
