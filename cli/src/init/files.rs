//! The files of a folder, as detection sees them: from the disk, or from a map in a test.

use std::path::{Path, PathBuf};

/// Names of folders that hold no source of their own: what tools make, and what others wrote.
pub(super) const NOT_SOURCE: [&str; 13] = [
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    "out",
    "obj",
    "venv",
    "__pycache__",
    "test",
    "tests",
    "__tests__",
    "benches",
];

/// A file of source longer than this is generated, and says nothing about ports.
const LONGEST: u64 = 1024 * 1024;

/// A file that is there and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", file.display())]
pub(crate) struct Unreadable {
    /// The file.
    pub(crate) file: PathBuf,
    /// Why.
    pub(crate) source: std::io::Error,
}

/// What a folder holds. Paths are relative to it, with `/`, and may begin with `../`.
pub(crate) trait Files {
    /// The folder, absolute.
    fn place(&self) -> &Path;
    /// The text of a file; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<String>, Unreadable>;
    /// The names in a folder, sorted; those of folders end with `/`. Empty where there is none.
    fn list(&self, folder: &str) -> Vec<String>;

    /// The folder as the folder `height` levels above it names it: `services/delivery`. `None` above the top.
    fn below(&self, height: usize) -> Option<String> {
        let parts: Vec<&str> = self
            .place()
            .iter()
            .skip(1)
            .map(|part| part.to_str().unwrap_or_default())
            .collect();
        let first = parts.len().checked_sub(height)?;
        Some(parts.get(first..)?.join("/"))
    }

    /// Whether a file is there.
    fn has(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        self.list(folder).iter().any(|found| found == name)
    }

    /// Whether a folder is there and holds something.
    fn has_folder(&self, path: &str) -> bool {
        !self.list(path).is_empty()
    }
}

/// A folder on the disk.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: PathBuf,
}

/// One file of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its path.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// `folder/name`, or `name` in the folder itself.
pub(super) fn join(folder: &str, name: &str) -> String {
    match folder {
        "." | "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// The files below the folder whose names end with one of `endings`, at most `most`, near ones first.
/// Files that cannot be read are left out: a hint that is missed is no fault.
pub(super) fn sources(files: &dyn Files, endings: &[&str], most: usize) -> Vec<Source> {
    const DEEPEST: usize = 7;
    let mut found = Vec::new();
    let mut level = vec![".".to_owned()];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for folder in level {
            for name in files.list(&folder) {
                if let Some(inner) = name.strip_suffix('/') {
                    if !inner.starts_with('.') && !NOT_SOURCE.contains(&inner) {
                        next.push(join(&folder, inner));
                    }
                } else if endings.iter().any(|ending| name.ends_with(ending)) {
                    let path = join(&folder, &name);
                    if let Ok(Some(text)) = files.read(&path) {
                        found.push(Source { path, text });
                    }
                    if found.len() == most {
                        return found;
                    }
                }
            }
        }
        level = next;
    }
    found
}

// === impl Disk ===

impl Disk {
    /// The folder at `root`, which is absolute.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

impl Files for Disk {
    fn place(&self) -> &Path {
        &self.root
    }

    fn read(&self, path: &str) -> Result<Option<String>, Unreadable> {
        let file = self.root.join(path);
        let failed = |source| Unreadable {
            file: file.clone(),
            source,
        };
        match std::fs::metadata(&file) {
            Ok(metadata) if !metadata.is_file() || metadata.len() > LONGEST => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        std::fs::read_to_string(&file).map(Some).map_err(failed)
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                // A link to a folder is not followed: it may lead round in a circle.
                let folder = entry.file_type().ok()?.is_dir();
                let name = entry.file_name().into_string().ok()?;
                Some(if folder { format!("{name}/") } else { name })
            })
            .collect();
        names.sort();
        names
    }
}

#[cfg(test)]
pub(crate) mod memory {
    //! A folder in a map, for tests.

    use std::collections::{BTreeMap, BTreeSet};

    use std::path::{Path, PathBuf};

    use super::{Files, Unreadable};

    /// Files by absolute path, seen from `here`.
    #[derive(Debug, Clone)]
    pub(crate) struct Memory {
        here: String,
        place: PathBuf,
        files: BTreeMap<String, String>,
    }

    impl Memory {
        /// A folder named `/repo/NAME` with these files, whose paths are relative to it.
        pub(crate) fn new(here: &str, files: &[(&str, &str)]) -> Self {
            let here = format!("/repo/{here}");
            let files = files
                .iter()
                .map(|(path, text)| (tidy(&format!("{here}/{path}")), (*text).to_owned()))
                .collect();
            let place = PathBuf::from(&here);
            Self { here, place, files }
        }
    }

    fn tidy(path: &str) -> String {
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    impl Files for Memory {
        fn place(&self) -> &Path {
            &self.place
        }

        fn read(&self, path: &str) -> Result<Option<String>, Unreadable> {
            Ok(self.files.get(&tidy(&format!("{}/{path}", self.here))).cloned())
        }

        fn list(&self, folder: &str) -> Vec<String> {
            let folder = tidy(&format!("{}/{folder}", self.here));
            let prefix = if folder == "/" {
                folder
            } else {
                format!("{folder}/")
            };
            let names: BTreeSet<String> = self
                .files
                .keys()
                .filter_map(|path| path.strip_prefix(&prefix))
                .map(|rest| match rest.split_once('/') {
                    Some((first, _)) => format!("{first}/"),
                    None => rest.to_owned(),
                })
                .collect();
            names.into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_tells_files_from_folders_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        std::fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
        let disk = Disk::new(folder.path());
        assert_eq!(disk.list("src"), ["deep/", "main.rs"]);
        assert_eq!(disk.read("src/main.rs").unwrap().as_deref(), Some("fn main() {}"));
        assert!(disk.read("src/none.rs").unwrap().is_none());
        assert!(disk.has("src/main.rs") && !disk.has("src/deep"));
        assert!(disk.list("none").is_empty());
    }

    #[test]
    fn a_file_that_is_no_text_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), [0xff, 0xfe, 0x00]).unwrap();
        let error = Disk::new(folder.path()).read("Cargo.toml").unwrap_err();
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn sources_leave_out_what_tools_made_and_take_near_ones_first() {
        let files = memory::Memory::new(
            "app",
            &[
                ("src/deep/a.rs", ""),
                ("src/main.rs", ""),
                ("target/debug/build.rs", ""),
                (".git/x.rs", ""),
                ("lib.rs", ""),
            ],
        );
        let paths: Vec<String> = sources(&files, &[".rs"], 10)
            .into_iter()
            .map(|s| s.path)
            .collect();
        assert_eq!(paths, ["lib.rs", "src/main.rs", "src/deep/a.rs"]);
        assert_eq!(sources(&files, &[".rs"], 1).len(), 1);
    }
}
