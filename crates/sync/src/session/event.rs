//! What a session tells.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ClientIdentity;

/// How many batches a copy has committed. It only grows while the copy's volume lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// The Merkle root over all synced folders, as 64 hexadecimal digits. Equal roots mean equal content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RootHash(pub String);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started at all, or the way it ended is not known.
    Unknown,
}

/// Which of a process's streams a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What happened, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The first connection stands.
    Connected {
        /// The agent's version.
        agent_version: String,
        /// The copy already ran with content of an earlier session.
        resumed: bool,
    },
    /// The folders are being read.
    Scanning,
    /// The folders were read.
    Scanned {
        /// How many files.
        files: u64,
        /// Their size in bytes.
        bytes: u64,
    },
    /// A batch is on its way. Sent for large batches only, a few times a second.
    SyncProgress {
        /// Files sent.
        files_done: u64,
        /// Files in the batch.
        files: u64,
        /// Bytes sent, before compression.
        bytes_done: u64,
        /// Bytes in the batch.
        bytes: u64,
    },
    /// A batch was committed in the copy.
    Synced {
        /// The revision it made.
        revision: Revision,
        /// Files, links and folders written.
        files: u64,
        /// Paths removed.
        deleted: u64,
        /// Bytes of content sent, before compression.
        bytes: u64,
        /// From the first change that the batch holds (first sync: from the connection) to the commit.
        took: Duration,
    },
    /// A build began.
    BuildStarted {
        /// What is built. `None` for a build on this machine, which comes before its revision.
        revision: Option<Revision>,
    },
    /// A line of the build, without its line end.
    BuildOutput {
        /// The text; bytes that are not UTF-8 are replaced.
        line: String,
    },
    /// A build ended. If it failed, the program that ran before runs on.
    BuildFinished {
        /// What was built. `None` for a build on this machine.
        revision: Option<Revision>,
        /// It ended with exit code 0.
        ok: bool,
        /// Its length.
        took: Duration,
        /// How it ended.
        exit: Exit,
    },
    /// The old program is gone and the new one was started.
    ProgramStarting {
        /// The content it was started from.
        revision: Revision,
    },
    /// A line of the program, without its line end.
    Output {
        /// Where from.
        stream: OutputStream,
        /// The text; bytes that are not UTF-8 are replaced.
        line: String,
    },
    /// Every request sent from now on is answered by the program that was started from `revision`:
    /// the old process group is gone and the new one listens on all its ports.
    Live {
        /// The content it was started from.
        revision: Revision,
        /// Since the first change of that revision was seen here. `None` if this session did not send it.
        took_since_save: Option<Duration>,
        /// From the stop of the old program to the listening of the new one.
        took_restart: Duration,
    },
    /// The program ended by itself.
    Exited {
        /// How.
        exit: Exit,
        /// The last lines it wrote, oldest first, at most 50.
        last_lines: Vec<String>,
        /// It ended several times in a row; the agent waits longer before each start. A save starts it at once.
        crash_loop: bool,
    },
    /// The folders and the copy are equal, proven by the root.
    InSync {
        /// The copy's revision.
        revision: Revision,
        /// The root that both ends computed.
        root: RootHash,
    },
    /// Another session took the copy. This session has ended.
    TakenOver {
        /// Who.
        by: ClientIdentity,
    },
    /// The connection is gone; the session goes on trying. The copy runs on.
    Disconnected {
        /// Why, for people.
        reason: String,
    },
    /// The connection is back.
    Reconnected {
        /// How long it was gone.
        took: Duration,
    },
    /// Syncing has stopped and nothing was changed in the copy. It goes on when the cause is gone, if it can be;
    /// the events end if it cannot.
    Halted {
        /// Why, for people.
        reason: String,
    },
    /// Something is not as it should be, and the session goes on.
    Warning {
        /// What, for people.
        message: String,
    },
}

// === impl Revision ===

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

// === impl RootHash ===

impl fmt::Display for RootHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
