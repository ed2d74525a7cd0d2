//! What a session is asked to do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One folder of the developer and its place in the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRoot {
    /// The folder on this machine. It must exist and be absolute.
    pub from: PathBuf,
    /// The absolute path in the copy. It must be one of the copy's sync targets.
    pub to: String,
    /// Only these paths below `from` (files or folders, `/` as separator). Empty means all.
    pub only: Vec<String>,
    /// Paths below `from` that a build or the program may change in the copy, and that come back when it does.
    pub back: Vec<String>,
}

/// How the program is built, and after which changes.
///
/// `when` holds globs (`*` stays within a folder, `**` does not); empty means every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Build {
    /// In the copy, by the agent, after a batch that holds a path that matches `when`.
    Run {
        /// The command and its arguments.
        command: Vec<String>,
        /// Globs over paths below any sync root.
        when: Vec<String>,
    },
    /// On this machine, by the session, before the artefact is synced.
    Here {
        /// The command and its arguments.
        command: Vec<String>,
        /// Globs over paths below `dir`.
        when: Vec<String>,
        /// The working directory of the command; also the folder that `when` speaks of.
        dir: PathBuf,
    },
}

/// What the agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The build, if there is one.
    pub build: Option<Build>,
    /// The command and its arguments. Empty means the command of the baseline's template.
    pub run: Vec<String>,
    /// Added to the container's environment. The agent replaces `${space}` in values by the space's name.
    pub env: BTreeMap<String, String>,
    /// Ports that must listen before the program counts as live. Empty means those the Service reaches.
    pub ports: Vec<u16>,
    /// Globs over synced paths whose change restarts the program without a build. `None` means every path where there
    /// is no build, and none where there is one; an empty list is for a program that reloads itself.
    pub restart: Option<Vec<String>>,
    /// The program's and the build's working directory. `None` means the container's.
    pub working_dir: Option<String>,
    /// How long the old program may take to end after SIGTERM before it gets SIGKILL.
    pub stop_grace: Duration,
}

/// Who is at this end, as a session that gets taken over is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientIdentity {
    /// The developer, as the cluster or the machine names them.
    pub user: String,
    /// The machine.
    pub host: String,
    /// Unique for each session; a reconnect keeps it.
    pub session_id: String,
}

/// All that a session needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// The folders to keep equal. May be empty (then nothing is synced, and the program still runs).
    pub roots: Vec<SyncRoot>,
    /// What runs in the copy.
    pub program: Program,
    /// Who we are.
    pub client: ClientIdentity,
}

// === impl Program ===

impl Program {
    /// The grace that a program gets when nothing else is said.
    pub const DEFAULT_STOP_GRACE: Duration = Duration::from_secs(5);
}
