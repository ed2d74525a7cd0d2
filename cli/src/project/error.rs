//! What can be wrong with a `devspace.yaml`.

use std::path::PathBuf;

use devspace_core::InvalidName;

use super::FILE_NAME;
use super::place::Place;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// Why a project cannot be used. Every variant ends the run with the usage code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    /// There is no file.
    #[error("no `{FILE_NAME}` in {}", folder.display())]
    Missing { folder: PathBuf },
    /// It cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// It belongs to another program.
    #[error("{} is a file of another tool named devspace (`version: {version}`), which this one is not", file.display())]
    Foreign { file: PathBuf, version: String },
    /// Nothing is in it.
    #[error("{} is empty", file.display())]
    Empty { file: PathBuf },
    /// A key that does not exist.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        place: Place,
        key: String,
        nearest: Vec<String>,
        known: Vec<String>,
    },
    /// No YAML, or a value of a wrong type. `shown` is the place in the text.
    #[error("{place}: not a valid `{FILE_NAME}`\n{shown}")]
    Syntax { place: Place, shown: String },
    /// A key that stands twice.
    #[error("{place}: `{key}` stands twice")]
    TwiceKey { place: Place, key: String },
    /// A key that must be there.
    #[error("{place}: `{key}` is missing")]
    MissingKey { place: Place, key: &'static str },
    /// Another version of the format.
    #[error("{place}: `devspace: {found}` is a version of the format that this program does not know")]
    Version { place: Place, found: u32 },
    /// No service name.
    #[error("{place}: `service` is no name of a Service")]
    Service { place: Place, source: InvalidName },
    /// Both or neither of `build.run` and `build.here`.
    #[error("{place}: `build` needs exactly one of `run` (in the container) and `here` (in this folder)")]
    BuildChoice { place: Place },
    /// A command with nothing in it.
    #[error("{place}: `{key}` is an empty list; it holds a program and its arguments")]
    EmptyCommand { place: Place, key: &'static str },
    /// A path that is not absolute.
    #[error("{place}: `{path}` is not absolute; `{key}` names a folder in the container")]
    Relative {
        place: Place,
        key: &'static str,
        path: String,
    },
    /// Two targets, one inside the other.
    #[error("{place}: `{inner}` lies in `{outer}`, and both are sync targets")]
    Nested {
        place: Place,
        inner: String,
        outer: String,
    },
    /// A folder that is not there.
    #[error("{place}: `from: {given}` is no folder ({} does not exist)", path.display())]
    NoFolder {
        place: Place,
        given: String,
        path: PathBuf,
    },
    /// A path that leaves its folder.
    #[error("{place}: `{path}` leaves the synced folder; `{key}` is relative to `from`")]
    Leaves {
        place: Place,
        key: &'static str,
        path: String,
    },
    /// No glob.
    #[error("{place}: `{glob}` is no glob")]
    Glob {
        place: Place,
        glob: String,
        source: globset::Error,
    },
    /// No duration.
    #[error("{place}: `{text}` is no duration")]
    Duration { place: Place, text: String },
    /// Port 0.
    #[error("{place}: port 0 is no port")]
    Port { place: Place },
    /// A variable in `env` that nothing stands for.
    #[error("{place}: nothing stands for `${{{name}}}`")]
    Variable { place: Place, name: String },
    /// Nothing to run and nothing to sync.
    #[error("{place}: neither `sync` nor `image` says what the copy runs")]
    Nothing { place: Place },
}

impl Report for ProjectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "project_missing",
            Self::Foreign { .. } => "project_foreign",
            Self::UnknownKey { .. } => "project_unknown_key",
            _ => "project_invalid",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Missing { .. } => Some(Hint::with(
                "go to a service's folder, name it (`devspace up PATH`), or write the file; this much is enough",
                "devspace: 1\nservice: package\nsync: [{from: ., to: /app}]\nrun: [node, server.js]",
            )),
            Self::Empty { .. } => Some(Hint::with(
                "this much is enough",
                "devspace: 1\nservice: package\nsync: [{from: ., to: /app}]\nrun: [node, server.js]",
            )),
            Self::Foreign { .. } => Some(Hint::new(
                "both tools use this file name; keep them apart, for example with `devspace up OTHER-FOLDER`; a file of this one begins with `devspace: 1`",
            )),
            Self::UnknownKey { nearest, known, .. } => Some(match nearest.first() {
                Some(name) => Hint::new(format!("did you mean `{name}`?")),
                None => Hint::new(format!("known here: {}", known.join(", "))),
            }),
            Self::MissingKey { key: "devspace", .. } => Some(Hint::new("the file begins with `devspace: 1`")),
            Self::Version { .. } => Some(Hint::new("this program knows `devspace: 1`")),
            Self::Duration { .. } => Some(Hint::new("write it as `90s`, `10m` or `1h30m`")),
            Self::Variable { .. } => Some(Hint::new("`${space}` is known; `$${` stands for a plain `${`")),
            Self::NoFolder { .. } => Some(Hint::new("`from` is relative to the folder of `devspace.yaml`")),
            _ => None,
        }
    }
}
