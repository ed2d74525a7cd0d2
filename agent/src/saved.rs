//! What the agent remembers besides the files: the last configuration, and which inputs were built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use devspace_sync::protocol::RunConfig;

/// A folder of the copy's volume.
#[derive(Debug, Clone)]
pub struct Saved {
    folder: PathBuf,
}

// === impl Saved ===

impl Saved {
    /// The memory in `folder`, which must exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The last configuration; `None` if there was none or it cannot be read.
    #[must_use]
    pub fn config(&self) -> Option<RunConfig> {
        let text = fs::read(self.folder.join("config.json")).ok()?;
        match serde_json::from_slice(&text) {
            Ok(config) => Some(config),
            Err(error) => {
                tracing::warn!(%error, "the saved configuration cannot be read");
                None
            }
        }
    }

    /// Keeps `config`.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_config(&self, config: &RunConfig) -> io::Result<()> {
        self.replace("config.json", &serde_json::to_vec(config)?)
    }

    /// The digest of the inputs of the last successful build.
    #[must_use]
    pub fn built(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("built")).ok()
    }

    /// Keeps the digest of a successful build; `None` when one begins, since it may leave anything behind.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_built(&self, digest: Option<&str>) -> io::Result<()> {
        match digest {
            Some(digest) => self.replace("built", digest.as_bytes()),
            None => match fs::remove_file(self.folder.join("built")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let fresh = self.folder.join(format!("{name}.new"));
        fs::write(&fresh, content)?;
        fs::rename(fresh, self.folder.join(name))
    }
}
