//! One agent with its program: started, watched, started again when it dies, stopped.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use devspace_agent::reap::Children;
use devspace_sync::protocol::AgentEvent;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::daemon::Shared;
use crate::drive::exit_text;
use crate::environment::sockets;
use crate::log::Log;
use crate::plan::{UnitKey, UnitSpec};
use crate::{cache, leftover, strays};

/// The first wait before an agent that died is started again, and the longest.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// What an agent gets to stop its program, over the program's own grace, before it is killed.
const AGENT_GRACE: Duration = Duration::from_secs(10);
/// Between two tries to reach an agent that starts.
const CONNECT_AGAIN: Duration = Duration::from_millis(10);

/// Whether a program takes requests, as its agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Readiness {
    #[default]
    Down,
    Ready,
    Restarting,
}

/// What happens to a unit.
#[derive(Debug)]
pub(crate) enum UnitEvent {
    /// An agent was started.
    Started,
    /// Its program changed.
    Readiness {
        now: Readiness,
        /// It ended by itself, and how.
        exit: Option<String>,
    },
    /// It cannot be started, or died; it is started again after a while.
    Died(String),
    /// Everything of it has ended.
    Ended,
}

/// Tells the workspace: which unit, which of its lives, and what.
pub(crate) type Events = mpsc::Sender<(UnitKey, u64, UnitEvent)>;

/// What a unit is given.
pub(crate) struct Unit {
    pub(crate) spec: UnitSpec,
    /// Folders that begin as copies of others: from, to.
    pub(crate) seeds: Vec<(PathBuf, PathBuf)>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: Arc<Log>,
    pub(crate) number: u64,
    pub(crate) events: Events,
    pub(crate) stop: CancellationToken,
}

/// How an agent's life ended.
enum End {
    Stopped,
    Died(String),
}

// === impl Unit ===

impl Unit {
    /// Runs until it is told to stop, and until nothing of it is left.
    pub(crate) async fn run(self) {
        let prepared = self.prepare().await;
        if let Err(error) = prepared {
            self.tell(UnitEvent::Died(trouble(&error))).await;
        }
        let mut wait = AGAIN_FIRST;
        while !self.stop.is_cancelled() {
            let began = tokio::time::Instant::now();
            let ended = self.live().await;
            let (control, ready) = sockets(&self.spec.sockets);
            crate::files::remove(&control);
            crate::files::remove(&ready);
            let reason = match ended {
                Ok(End::Stopped) => break,
                Ok(End::Died(reason)) => reason,
                Err(error) => trouble(&error),
            };
            if began.elapsed() > AGAIN_MAX {
                wait = AGAIN_FIRST;
            }
            self.tell(UnitEvent::Died(reason)).await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
            wait = (wait * 2).min(AGAIN_MAX);
        }
        self.tell(UnitEvent::Ended).await;
    }

    /// Makes the folders. A cache that is new begins as the baseline's.
    async fn prepare(&self) -> io::Result<()> {
        let seeds = self.seeds.clone();
        let folders: Vec<PathBuf> = self.spec.paths.values().cloned().collect();
        let work = move || {
            for (from, to) in seeds {
                if from.is_dir() && !to.exists() {
                    cache::seed(&from, &to)?;
                }
            }
            folders.iter().try_for_each(std::fs::create_dir_all)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(io::Error::other)?
    }

    async fn live(&self) -> io::Result<End> {
        let children = &self.shared.children;
        let mut child = self.start(children)?;
        // Held apart: waiting for a child closes its standard input, and the agent ends with that.
        let pipe = child.stdin.take();
        let pid = child.id().unwrap_or_default();
        let started = leftover::note(&self.shared.home.processes(), &self.spec.id, pid);
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(keep(stdout, Arc::clone(&self.log)));
        }
        self.tell(UnitEvent::Started).await;
        let end = tokio::select! {
            status = child.wait() => End::Died(match status {
                // An agent ends well only when it is asked to.
                Ok(status) if status.success() => {
                    "its agent ended without being asked; if devspace was replaced since the start, type `devspace \
                     local stop` and `devspace local start`"
                        .to_owned()
                }
                Ok(status) => format!("its agent ended ({status}); daemon.log in the state folder may say why"),
                Err(error) => format!("its agent cannot be waited for: {error}"),
            }),
            () = self.watch() => End::Died("its agent cannot be watched".to_owned()),
            () = self.stop.cancelled() => End::Stopped,
        };
        if child.try_wait().is_ok_and(|status| status.is_none()) {
            self.end(&mut child, pid).await;
        }
        drop(pipe);
        children.forget(pid);
        strays::end_session(pid, started).await;
        leftover::forget(&self.shared.home.processes(), &self.spec.id);
        // What was written before the end is in the pipe; nobody writes any more.
        while readers.join_next().await.is_some() {}
        Ok(end)
    }

    fn start(&self, children: &Children) -> io::Result<Child> {
        let (program, arguments) = self
            .shared
            .settings
            .agent
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program for agents is set"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(inherited())
            .envs(&self.spec.variables)
            .current_dir(&self.spec.folder)
            // The agent ends when this pipe does, so that it never outlives us.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        std::fs::create_dir_all(&self.spec.folder)?;
        children.start(|| command.spawn(), Child::id)
    }

    async fn end(&self, child: &mut Child, pid: u32) {
        if let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // One that has ended meanwhile is what we want.
            let _ = kill_process(id, Signal::TERM);
        }
        let grace = self.spec.grace + AGENT_GRACE;
        if tokio::time::timeout(grace, child.wait()).await.is_err() {
            tracing::warn!(pid, "an agent did not end in time and is killed");
            if let Err(error) = child.kill().await {
                tracing::warn!(pid, %error, "an agent cannot be killed");
            }
        }
    }

    /// Tells what the agent says of its program, as long as the agent lives.
    async fn watch(&self) {
        let (_, ready) = sockets(&self.spec.sockets);
        let mut first = true;
        loop {
            if let Err(error) = self.listen(&ready, &mut first).await {
                tracing::debug!(%error, unit = self.spec.id, "the agent does not tell yet");
            }
            tokio::time::sleep(CONNECT_AGAIN).await;
        }
    }

    async fn listen(&self, socket: &Path, first: &mut bool) -> io::Result<()> {
        let stream = TokioIo::new(UnixStream::connect(socket).await?);
        let (mut requests, connection) = hyper::client::conn::http1::handshake(stream)
            .await
            .map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let request = Request::get("/watch")
            .header("host", "agent")
            .body(Empty::<Bytes>::new());
        let request = request.map_err(io::Error::other)?;
        let mut body = requests
            .send_request(request)
            .await
            .map_err(io::Error::other)?
            .into_body();
        let mut rest = String::new();
        while let Some(frame) = body.frame().await {
            let data = frame.map_err(io::Error::other)?.into_data().unwrap_or_default();
            rest.push_str(&String::from_utf8_lossy(&data));
            while let Some((line, tail)) = rest.split_once('\n') {
                let (word, event) = line.split_once(' ').unwrap_or((line, ""));
                let now = match word {
                    "ready" => Readiness::Ready,
                    "restarting" => Readiness::Restarting,
                    _ => Readiness::Down,
                };
                // The first line tells how it is, not what happened.
                let ended = now == Readiness::Down && !std::mem::take(first);
                *first = false;
                let exit = ended.then(|| exit(event));
                rest = tail.to_owned();
                self.tell(UnitEvent::Readiness { now, exit }).await;
            }
        }
        Ok(())
    }

    async fn tell(&self, event: UnitEvent) {
        // The workspace is gone only after all its units.
        let _ = self
            .events
            .send((self.spec.key.clone(), self.number, event))
            .await;
    }
}

/// Our own environment without what is ours: a daemon that was started from a copy's program is no copy.
pub(crate) fn inherited() -> BTreeMap<OsString, OsString> {
    std::env::vars_os()
        .filter(|(name, _)| !name.to_string_lossy().starts_with("DEVSPACE_"))
        .collect()
}

fn trouble(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::StorageFull {
        return format!("the disk of the state folder is full: {error}");
    }
    format!("its agent cannot be started: {error}")
}

/// What the agent's event says of the program's end.
fn exit(event: &str) -> String {
    match serde_json::from_str(event) {
        Ok(AgentEvent::Exited { exit, last_lines, .. }) => exit_text(exit, &last_lines),
        _ => "the program ended by itself".to_owned(),
    }
}

async fn keep(stdout: tokio::process::ChildStdout, log: Arc<Log>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        log.push(String::from_utf8_lossy(&line).trim_end_matches('\n'));
        line.clear();
    }
}
