//! `devspace.yaml`: one service's folder and how it becomes a copy.
//!
//! Two stages: [`raw`] mirrors the file, [`check`] makes it a [`Project`] in which every value has its type and its default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devspace_core::{ServiceName, SpaceName};

mod check;
mod error;
mod place;
mod raw;

pub(crate) use check::parse_duration;
pub(crate) use error::ProjectError;

/// The name of the file.
pub(crate) const FILE_NAME: &str = "devspace.yaml";

/// A checked `devspace.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    /// The file.
    pub(crate) file: PathBuf,
    /// Its folder; relative paths in it start here.
    pub(crate) folder: PathBuf,
    /// The baseline's Service.
    pub(crate) service: ServiceName,
    /// Container of the template. Unset: the one that the Service's first port reaches.
    pub(crate) container: Option<String>,
    /// Image of the copy. Unset: the baseline's.
    pub(crate) image: Option<String>,
    /// CPU as a Kubernetes quantity. Unset: the baseline's default for copies.
    pub(crate) cpu: Option<String>,
    /// Memory, likewise.
    pub(crate) memory: Option<String>,
    /// Folders in the container that outlive the pod.
    pub(crate) cache: Vec<String>,
    /// What is synced. The first one's `to` is the working directory of build and program where `run` is set.
    pub(crate) sync: Vec<SyncRule>,
    /// The build. Unset: none.
    pub(crate) build: Option<BuildRule>,
    /// The program. Empty: the baseline's command.
    pub(crate) run: Vec<String>,
    /// Globs of paths whose change restarts the program without a build. Unset: all without a build, none with one.
    pub(crate) restart: Option<Vec<String>>,
    /// Environment of build and program; `${space}` is not replaced yet.
    pub(crate) env: BTreeMap<String, String>,
    /// Ports that the program listens on. Empty: those that the baseline's Service reaches.
    pub(crate) ports: Vec<u16>,
    /// Port of a debugger in the program. Unset: none.
    pub(crate) debug: Option<u16>,
    /// How long requests wait while the copy restarts. Unset: 30 seconds.
    pub(crate) hold: Option<Duration>,
}

/// One synced folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncRule {
    /// The folder here, absolute.
    pub(crate) from: PathBuf,
    /// The folder in the container, absolute.
    pub(crate) to: String,
    /// Paths below `from` that are synced. Empty: all.
    pub(crate) only: Vec<String>,
    /// Paths below `from` that are synced back when the copy changes them.
    pub(crate) back: Vec<String>,
}

/// The build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildRule {
    /// The command.
    pub(crate) command: Vec<String>,
    /// Whether it runs in this folder rather than in the container.
    pub(crate) here: bool,
    /// Globs of paths whose change makes a build due. Empty: any change.
    pub(crate) when: Vec<String>,
}

impl Project {
    /// Reads and checks the project of `path`: a folder that holds `devspace.yaml`, or the file itself.
    ///
    /// # Errors
    /// [`ProjectError`] with file, line and column where there is one.
    pub(crate) fn load(path: &Path) -> Result<Self, ProjectError> {
        let file = if path.is_file() {
            path.to_owned()
        } else {
            path.join(FILE_NAME)
        };
        let file = std::path::absolute(&file).unwrap_or(file);
        let text = std::fs::read_to_string(&file).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ProjectError::Missing {
                folder: file.parent().unwrap_or(path).to_owned(),
            },
            _ => ProjectError::Unreadable {
                file: file.clone(),
                source,
            },
        })?;
        Self::parse(&file, &text)
    }

    /// Checks the text of `file`. Folders that it names must exist.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, ProjectError> {
        let raw = raw::parse(file, text)?;
        check::check(file, raw)
    }

    /// The environment of build and program in `space`.
    pub(crate) fn environment(&self, space: &SpaceName) -> BTreeMap<String, String> {
        let filled = |value: &str| {
            let parts: Vec<String> = value
                .split("$${")
                .map(|part| part.replace(SPACE_VARIABLE, space.as_str()))
                .collect();
            parts.join("${")
        };
        self.env
            .iter()
            .map(|(key, value)| (key.clone(), filled(value)))
            .collect()
    }

    /// The folder in the container where build and program run: the first sync target.
    /// Unset where the baseline's command runs, which may lean on the image's own working directory.
    pub(crate) fn working_dir(&self) -> Option<&str> {
        if self.run.is_empty() {
            None
        } else {
            self.sync.first().map(|rule| rule.to.as_str())
        }
    }
}

/// What stands for the space's name in `env`.
pub(crate) const SPACE_VARIABLE: &str = "${space}";

/// The JSON schema of the file, for editors.
pub(crate) fn schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawProject).to_value()
}

#[cfg(test)]
mod tests;
