//! What stops `devspace local`.

use std::path::PathBuf;
use std::process::ExitStatus;

use crate::engine::EngineError;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// The daemon did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its folder or its log cannot be written.
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// It cannot be started.
    #[error("cannot start the local engine with {}", program.display())]
    Spawn {
        program: PathBuf,
        source: std::io::Error,
    },
    /// It ended at once.
    #[error("the local engine ended as it started ({status})")]
    Ended {
        status: ExitStatus,
        log: PathBuf,
        last_lines: Vec<String>,
    },
    /// It says nothing.
    #[error("the local engine does not answer after its start")]
    Silent { log: PathBuf },
    /// Services of the workspace are not up.
    #[error("not up in workspace {workspace}: {}", services.join(", "))]
    Failed {
        workspace: String,
        services: Vec<String>,
    },
    /// They take too long.
    #[error("not up in time in workspace {workspace}: {}", waiting.join("; "))]
    TimedOut { workspace: String, waiting: Vec<String> },
    /// Somebody took the workspace away.
    #[error("workspace {workspace} was removed while its services started")]
    Removed { workspace: String },
    /// The daemon does not go.
    #[error("the local engine (process {pid}) is not gone in time")]
    Stays { pid: u32 },
}

impl Report for LocalError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Write { .. } => "local_state",
            Self::Spawn { .. } | Self::Ended { .. } | Self::Silent { .. } => "local_start",
            Self::Failed { .. } => "service_failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Removed { .. } => "workspace_removed",
            Self::Stays { .. } => "local_stop",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Failed { .. } | Self::TimedOut { .. } => Exit::UserCode,
            Self::Write { .. } | Self::Removed { .. } => Exit::Refused,
            Self::Spawn { .. } | Self::Ended { .. } | Self::Silent { .. } | Self::Stays { .. } => {
                Exit::Failure
            }
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Write { .. } => Some(Hint::new(
                "is the disk full, or the folder somebody else's? $DEVSPACE_LOCAL_STATE names another one",
            )),
            Self::Ended { log, last_lines, .. } if last_lines.is_empty() => {
                Some(Hint::new(format!("it wrote nothing to {}", log.display())))
            }
            Self::Ended { log, last_lines, .. } => Some(Hint::with(
                format!("the last lines of {}", log.display()),
                last_lines.join("\n"),
            )),
            Self::Silent { log } => Some(Hint::with("read its log", format!("cat {}", log.display()))),
            Self::Failed { .. } => Some(Hint::with(
                "the others run; mend these, then bring them up with",
                "devspace local start",
            )),
            Self::TimedOut { .. } => Some(Hint::with(
                "they go on starting; see how they stand, or give more time with `--timeout`",
                "devspace local status",
            )),
            Self::Stays { pid } => Some(Hint::with(
                "a program may ignore the request to end; end it all with",
                format!("kill -9 {pid}"),
            )),
            Self::Spawn { .. } | Self::Removed { .. } => None,
        }
    }
}
