//! Why `init` writes nothing.

use std::path::PathBuf;

use devspace_core::InvalidName;

use super::files::Unreadable;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// Why detection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DetectError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(Unreadable),
    /// A manifest is not what it should be.
    #[error("{file} cannot be understood: {reason}")]
    Manifest { file: String, reason: String },
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// There is no such folder.
    #[error("{} is no folder", path.display())]
    NoFolder { path: PathBuf },
    /// Nothing is in it.
    #[error("{} is empty", folder.display())]
    Empty { folder: PathBuf },
    /// Several services lie below it.
    #[error("{} is no service itself; {} below it", folder.display(), services(below))]
    Several { folder: PathBuf, below: Vec<String> },
    /// A file that detection needs.
    #[error("{} cannot be looked through", folder.display())]
    Detect { folder: PathBuf, source: DetectError },
    /// The project file is there already.
    #[error("{} is there already", file.display())]
    Exists { file: PathBuf },
    /// No service can have this name.
    #[error("`{name}` is no name of a Service")]
    Name { name: String, source: InvalidName },
    /// The baseline has no such service.
    #[error("the baseline {baseline} has no service `{service}` ({why})")]
    Unknown {
        service: String,
        why: String,
        baseline: String,
        nearest: Vec<String>,
        known: Vec<String>,
    },
    /// A file cannot be written.
    #[error("cannot write {}", file.display())]
    Write { file: PathBuf, source: std::io::Error },
}

fn services(below: &[String]) -> String {
    match below.len() {
        1 => "one service lies".to_owned(),
        count => format!("{count} services lie"),
    }
}

impl Report for InitError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder { .. } => "init_no_folder",
            Self::Empty { .. } => "init_empty",
            Self::Several { .. } => "init_several",
            Self::Detect { .. } => "init_manifest",
            Self::Exists { .. } => "init_exists",
            Self::Name { .. } => "init_name",
            Self::Unknown { .. } => "unknown_service",
            Self::Write { .. } => "init_write",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoFolder { .. } | Self::Name { .. } => Exit::Usage,
            Self::Write { .. } => Exit::Failure,
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::NoFolder { .. } => {
                Hint::new("name a service's folder, or go there and type `devspace init`")
            }
            Self::Empty { .. } => Hint::new(
                "`init` reads a service's source: make the service first, or name its folder: `devspace init PATH`",
            ),
            Self::Several { below, .. } => {
                let lines: Vec<String> = below.iter().map(|path| format!("devspace init {path}")).collect();
                Hint::with("each service has a file of its own", lines.join("\n"))
            }
            Self::Detect { .. } => Hint::new("mend the file and type `devspace init` again"),
            Self::Exists { .. } => Hint::new(
                "change it by hand, or write it anew with `devspace init --force`; `devspace up` runs it as it is",
            ),
            Self::Name { .. } => {
                Hint::new("name the service as the baseline does: `devspace init --service NAME`")
            }
            Self::Unknown {
                service,
                nearest,
                known,
                ..
            } => return Some(unknown(service, nearest, known)),
            Self::Write { .. } => Hint::new("look at the rights and the free space of the folder"),
        })
    }
}

/// A service cannot be added by a developer: a space holds copies of what the baseline has.
fn unknown(service: &str, nearest: &[String], known: &[String]) -> Hint {
    let text = match (nearest.first(), known) {
        (Some(name), _) => {
            format!("did you mean `{name}`? A copy needs a service of the baseline that it is a copy of")
        }
        (None, []) => "the baseline has no services yet; its admin deploys them".to_owned(),
        (None, known) => format!(
            "a copy needs a service of the baseline; there is {}. `{service}` has to be deployed to the baseline first",
            known.join(", ")
        ),
    };
    match nearest.first() {
        Some(name) => Hint::with(text, format!("devspace init --service {name}")),
        None => Hint::new(text),
    }
}
