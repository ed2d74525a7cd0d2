//! What the two ends say to each other: JSON over HTTP/2, unknown fields ignored, versions agreed in [`Hello`].
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `POST /hello` | [`Hello`] | [`Welcome`] |
//! | `GET /events?after=N` | none | [`Numbered`] events, one a line, as long as the session is the copy's |
//! | `GET /manifest` | none | [`Manifest`](crate::manifest::Manifest), zstd |
//! | `POST /batch` | frames (module `frames`), zstd if the header says so | [`Committed`] |
//! | `POST /heartbeat` | [`Heartbeat`] | [`State`] |
//! | `POST /verify` | none | [`State`] after reading every synced file |
//! | `POST /restart` | none | nothing |
//! | `CONNECT gateway:80` | bytes | bytes of the gateway |
//!
//! A request that fails is answered with a status and a [`Problem`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::session::{ClientIdentity, Exit, OutputStream, Revision, RootHash};
use crate::store::Refused;

/// The versions of the protocol that this build speaks.
pub const VERSIONS: &[u32] = &[1];
/// Names the session in every request but `hello`.
pub const SESSION_HEADER: &str = "devspace-session";
/// The authority of a tunnel's CONNECT request. The agent knows the gateway's address; the client does not.
pub const TUNNEL_AUTHORITY: &str = "gateway:80";
/// How often the session asks whether both ends are still equal.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(20);

/// The first request of a connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The versions that the client speaks.
    pub versions: Vec<u32>,
    /// Who it is.
    pub client: ClientIdentity,
    /// The session was connected before. If another session has the copy now, this one is refused;
    /// a session that is new takes the copy.
    pub resume: bool,
    /// What to sync and run.
    pub config: RunConfig,
    /// The root over the client's folders.
    pub root: RootHash,
}

/// What the agent keeps: it starts the program with it when no client is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunConfig {
    /// The roots, by their place in the copy.
    pub roots: Vec<String>,
    /// The build command; `None` if there is no build in the copy.
    pub build: Option<BuildConfig>,
    /// The program; empty means the template's command.
    pub run: Vec<String>,
    /// Added to the container's environment, `${space}` not yet replaced.
    pub env: BTreeMap<String, String>,
    /// Ports that must listen; empty means those the Service reaches.
    pub ports: Vec<u16>,
    /// Globs over synced paths whose change restarts the program without a build. `None` means every path where there
    /// is no build, and none where there is one.
    pub restart: Option<Vec<String>>,
    /// The working directory; `None` means the container's.
    pub working_dir: Option<String>,
    /// How long the old program may take to end, in milliseconds.
    pub stop_grace_ms: u64,
}

/// A build in the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildConfig {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Globs over synced paths; empty means all.
    #[serde(default)]
    pub when: Vec<String>,
}

/// The answer to [`Hello`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The version that both ends speak from now on.
    pub version: u32,
    /// The agent's version, for people.
    pub agent_version: String,
    /// Differs after each start of the agent; numbers of events are counted within it.
    pub instance: String,
    /// The copy's state.
    pub state: State,
    /// The number of the newest event.
    pub newest_event: u64,
}

/// What the copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// How many batches were committed.
    pub revision: Revision,
    /// The root over what was committed.
    pub root: RootHash,
    /// Synced paths that something in the copy changed since they were written, as far as this look could see.
    /// The root speaks of what they hold now.
    #[serde(default)]
    pub changed_there: Vec<String>,
}

/// Asks whether both ends are equal. If they are, a configuration that waits for content takes effect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The root over the client's folders.
    pub root: RootHash,
    /// Look at size, times and inode of every synced path first.
    #[serde(default)]
    pub look: bool,
}

/// A batch was committed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// The revision that it made.
    pub revision: Revision,
    /// The root after it.
    pub root: RootHash,
    /// What could not be put in place.
    #[serde(default)]
    pub refused: Vec<Refused>,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "camelCase")]
pub enum Problem {
    /// Another session has the copy.
    TakenOver {
        /// Who.
        by: ClientIdentity,
    },
    /// The two ends speak no common version.
    Versions {
        /// Those of the agent.
        agent: Vec<u32>,
    },
    /// The batch was made for other content.
    Base {
        /// The root that the copy has.
        found: RootHash,
    },
    /// A file changed while it was sent, or the stream was cut off; nothing was changed, and a new batch may do.
    Torn {
        /// What, for people.
        message: String,
    },
    /// The request asks for what this copy does not do; trying again does not help.
    Refused {
        /// Why, for people.
        message: String,
    },
    /// The agent failed, for example because its disk is full.
    Failed {
        /// Why, for people.
        message: String,
    },
    /// A kind that this build does not know.
    #[serde(other)]
    Unknown,
}

/// An event with its number, which grows by one with each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// The event.
    #[serde(flatten)]
    pub event: AgentEvent,
}

/// What happens in the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AgentEvent {
    /// A build began.
    BuildStarted {
        /// Of this content.
        revision: Revision,
    },
    /// A line of the build.
    BuildOutput {
        /// The text.
        line: String,
    },
    /// A build ended or was cancelled by newer content.
    BuildFinished {
        /// Of this content.
        revision: Revision,
        /// With exit code 0.
        ok: bool,
        /// Its length in milliseconds.
        took_ms: u64,
        /// How it ended.
        exit: Exit,
    },
    /// The new program was started; nothing of the old one is left.
    ProgramStarting {
        /// From this content.
        revision: Revision,
    },
    /// A line of the program.
    Output {
        /// Where from.
        stream: OutputStream,
        /// The text.
        line: String,
    },
    /// The program listens on all its ports.
    Live {
        /// The content it was started from.
        revision: Revision,
        /// Since the stop of the old program, in milliseconds.
        took_ms: u64,
    },
    /// The program ended by itself.
    Exited {
        /// How.
        exit: Exit,
        /// The last lines, oldest first.
        last_lines: Vec<String>,
        /// It ends again and again.
        crash_loop: bool,
    },
    /// Another session took the copy; it is the last event that this one gets.
    TakenOver {
        /// Who.
        by: ClientIdentity,
    },
    /// Something is not as it should be.
    Warning {
        /// What, for people.
        message: String,
    },
    /// Events before this one were dropped, because nobody read them in time.
    Lost {
        /// How many.
        events: u64,
    },
    /// A kind that this build does not know.
    #[serde(other)]
    Unknown,
}
