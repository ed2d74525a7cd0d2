//! Everything that a command can tell, as values. The printer turns them into lines for people or into JSON.
//!
//! The JSON form is a contract: each line is `{"v":1,"event":NAME,…}`. Fields are added, never renamed or removed;
//! what must change gets a new `v`. Durations are seconds.

use std::time::Duration;

use serde::{Serialize, Serializer};

pub(crate) mod rows;

pub(crate) use rows::{CopyRow, InterceptionRow, LocalServiceRow, SettingRow, SpaceRow};

/// The version of the event format.
pub(crate) const VERSION: u8 = 1;

/// Seconds with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Seconds(pub(crate) Duration);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0.as_secs_f64() * 1000.0).round() / 1000.0)
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

/// Where a line of a program came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// One thing that happened or that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// Where the command works: engine, context, server.
    Engine {
        engine: &'static str,
        context: String,
        server: String,
        baseline: String,
        space: String,
        /// What named the space.
        chosen_by: String,
        /// What named the engine.
        engine_by: String,
        /// What named the baseline.
        baseline_by: String,
    },
    /// The space is there and has its namespace.
    Space {
        space: String,
        baseline: String,
        namespace: String,
        created: bool,
        /// What named the space.
        chosen_by: String,
        seconds: Seconds,
    },
    /// What `--plan` would write (`object`), and what the copy as it stands dropped or changed of the baseline's template.
    Plan {
        service: String,
        object: serde_json::Value,
        changes: Option<Vec<String>>,
    },
    /// The copy's pod answers.
    Pod {
        service: String,
        pod: Option<String>,
        seconds: Seconds,
    },
    /// Files are on their way.
    Syncing {
        service: String,
        files_done: u64,
        files: u64,
        bytes_done: u64,
        bytes: u64,
    },
    /// A batch of files is in the copy.
    Synced {
        service: String,
        revision: u64,
        files: u64,
        deleted: u64,
        bytes: u64,
        seconds: Seconds,
    },
    /// The build began.
    Building { service: String, revision: Option<u64> },
    /// A line of the build.
    BuildOutput { service: String, line: String },
    /// The build ended well.
    Built {
        service: String,
        revision: Option<u64>,
        seconds: Seconds,
    },
    /// The build failed. A program that ran before keeps running.
    BuildFailed {
        service: String,
        revision: Option<u64>,
        seconds: Seconds,
        status: String,
        last_lines: Vec<String>,
    },
    /// The program is being started.
    Starting { service: String, revision: u64 },
    /// Every ready router sends the space's requests to the copy.
    Routed { service: String, seconds: Seconds },
    /// From now on every request is answered by the program started from this revision.
    Live {
        service: String,
        revision: u64,
        /// Since the save that made the revision; null if another session sent it.
        seconds: Option<Seconds>,
        restart_seconds: Seconds,
        /// The copy was not up before.
        first: bool,
    },
    /// The copy is up: the times of all its phases.
    Up {
        service: String,
        space: String,
        pod_seconds: Option<Seconds>,
        files: Option<u64>,
        build_seconds: Option<Seconds>,
        seconds: Seconds,
    },
    /// The application as the space sees it.
    Url { space: String, url: String },
    /// Ways to the space that need no DNS.
    Tunnel {
        space: String,
        /// For browsers and curl, which resolve `*.localhost` themselves.
        browser: String,
        /// For every other client.
        address: String,
    },
    /// A debugger of the program is reachable here.
    Debug { service: String, address: String },
    /// The command stays and follows the folder.
    Watching,
    /// The command leaves; the copy runs on.
    Detached { services: Vec<String> },
    /// A line of the program.
    Output {
        service: String,
        stream: Stream,
        line: String,
    },
    /// The program ended by itself.
    Exited {
        service: String,
        status: String,
        last_lines: Vec<String>,
        crash_loop: bool,
    },
    /// Folder and copy are proven equal.
    InSync { service: String, revision: u64 },
    /// Another `devspace up` follows this copy from now on.
    TakenOver { service: String, by: String },
    /// The connection to the copy is lost; it is being made again.
    Disconnected { service: String, reason: String },
    /// The connection is back.
    Reconnected { service: String, seconds: Seconds },
    /// Syncing stopped to keep the copy's files.
    Halted { service: String, reason: String },
    /// Something to know.
    Warning {
        service: Option<String>,
        message: String,
    },
    /// An object was removed.
    Removed {
        kind: &'static str,
        name: String,
        namespace: Option<String>,
    },
    /// Who answers requests from now on.
    RequestsGoTo { target: String },
    /// A space was chosen for later commands.
    Selected {
        space: String,
        baseline: String,
        context: String,
    },
    /// A line of a log.
    Log { service: String, line: String },
    /// A copy, as a row.
    Copy(CopyRow),
    /// A space, as a row.
    SpaceInfo(SpaceRow),
    /// A Service of the baseline, as a row.
    Interception(InterceptionRow),
    /// The router of a baseline.
    Router {
        baseline: String,
        ready: i32,
        desired: i32,
        hosts: Vec<String>,
    },
    /// A Service was put back by `baseline restore`, or would be.
    Restored {
        service: String,
        done: bool,
        detail: String,
    },
    /// `init` found something: what, and where it was said.
    Found {
        what: &'static str,
        value: String,
        from: String,
    },
    /// `init` wrote a file.
    Wrote { path: String, replaced: bool },
    /// `init` left a file as it is; `text` is what to add by hand.
    Left {
        path: String,
        why: String,
        text: Option<String>,
    },
    /// The daemon of the local engine.
    LocalEngine {
        version: String,
        pid: u32,
        state: String,
        log: String,
        /// This command started it.
        started: bool,
    },
    /// The daemon is gone with all that it ran; without `pid` there was none.
    LocalStopped { pid: Option<u32> },
    /// A workspace of the local engine.
    Workspace {
        workspace: String,
        file: String,
        url: String,
        /// Who holds the port that was asked for, if another one was picked.
        port_note: Option<String>,
    },
    /// A service of a workspace, as it changes and as a row.
    LocalService(LocalServiceRow),
    /// What to try next.
    Next { commands: Vec<String> },
    /// An engine was chosen for later commands.
    Used {
        engine: String,
        context: Option<String>,
        file: String,
    },
    /// A port of a copy is reachable here.
    Forwarding {
        service: String,
        address: String,
        port: u16,
    },
    /// A value in use, as a row.
    Setting(SettingRow),
    /// A manual page was written.
    Written { file: String },
    /// Versions.
    Version {
        devspace: &'static str,
        objects: String,
        /// The daemon of the local engine, if one runs.
        local: Option<String>,
    },
    /// The command failed.
    Error {
        code: &'static str,
        message: String,
        causes: Vec<String>,
        hint: Option<String>,
        block: Option<String>,
        exit: u8,
    },
}
