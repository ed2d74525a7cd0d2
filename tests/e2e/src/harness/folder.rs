//! Folders of services, as developers have them: copies in a temporary place that tests may change.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::clock;

/// A folder that is removed at the end.
pub struct Folder {
    root: TempDir,
    path: PathBuf,
}

impl Folder {
    /// With these files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn new(files: &[(&str, &str)]) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let path = root.path().to_owned();
        let folder = Self { root, path };
        for (name, content) in files {
            folder.write(name, content)?;
        }
        Ok(folder)
    }

    /// A copy of `from` without what builds leave, in which `inner` is the service's folder.
    ///
    /// # Errors
    /// A file cannot be copied.
    pub fn copied(from: &Path, inner: &str) -> Result<Self> {
        let root = tempfile::tempdir()?;
        copy(from, root.path())?;
        let path = root.path().join(inner);
        Ok(Self { root, path })
    }

    /// The service's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// What a file holds.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.path.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Saves a file as editors do: whole, by a rename. Answers when it was in place.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<u64> {
        let path = self.path.join(name);
        let parent = path.parent().context("a file has a folder")?;
        fs::create_dir_all(parent)?;
        let mut file = tempfile::NamedTempFile::new_in(self.root.path())?;
        std::io::Write::write_all(&mut file, content.as_bytes())?;
        file.persist(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, mode)?;
        Ok(clock::now_us())
    }

    /// Replaces the one place where `old` stands in a file, and saves it. Answers when it was in place.
    ///
    /// # Errors
    /// `old` does not stand there exactly once.
    pub fn replace(&self, name: &str, old: &str, new: &str) -> Result<u64> {
        let path = self.path.join(name);
        let content = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = content.matches(old).count();
        ensure!(found == 1, "`{old}` stands {found} times in {name}");
        self.write(name, &content.replacen(old, new, 1))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if ["node_modules", "target", "dist"]
            .iter()
            .any(|left_out| name == *left_out)
        {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_must_be_the_only_one() {
        let folder = Folder::new(&[("a/b.txt", "one two two")]).unwrap();
        folder.replace("a/b.txt", "one", "1").unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join("a/b.txt")).unwrap(),
            "1 two two"
        );
        assert!(folder.replace("a/b.txt", "two", "2").is_err());
    }
}
