//! `devspace.yaml`: one service's folder and how it becomes a copy, or the workspace that such folders make up.
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
mod variables;
mod workspace;

pub(crate) use check::parse_duration;
pub(crate) use error::ProjectError;
pub(crate) use workspace::{WorkspaceFile, once};

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
    /// Environment on the local engine, nothing replaced yet.
    pub(crate) local_env: BTreeMap<String, String>,
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
        let text = text_of(&file)?;
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

    /// The environment of build and program in `space`, or without one as a service of a local baseline.
    /// What the agent replaces stays.
    pub(crate) fn environment(&self, space: Option<&SpaceName>) -> BTreeMap<String, String> {
        self.env
            .iter()
            .map(|(key, value)| (key.clone(), variables::filled(value, space)))
            .collect()
    }

    /// Whether the local engine can run it as a service of a baseline: there is no image and no template to ask.
    ///
    /// # Errors
    /// [`ProjectError::NotHere`] with the line to add.
    pub(crate) fn runs_here(&self) -> Result<(), ProjectError> {
        let missing = [
            (self.sync.is_empty(), "sync", "sync: [{from: ., to: /app}]"),
            (self.run.is_empty(), "run", "run: [node, server.js]"),
            (self.ports.is_empty(), "ports", "ports: [8080]"),
        ];
        match missing.into_iter().find(|(missing, ..)| *missing) {
            None => Ok(()),
            Some((_, key, line)) => Err(ProjectError::NotHere {
                file: self.file.clone(),
                service: self.service.to_string(),
                key,
                line,
            }),
        }
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

/// The text of `file`.
fn text_of(file: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ProjectError::Missing {
            folder: file.parent().unwrap_or(file).to_owned(),
        },
        _ => ProjectError::Unreadable {
            file: file.to_owned(),
            source,
        },
    })
}

/// The JSON schema of the file, for editors.
pub(crate) fn schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawProject).to_value()
}

#[cfg(test)]
mod tests;
