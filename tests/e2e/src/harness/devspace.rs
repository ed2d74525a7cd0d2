//! The real `devspace` program as a child: its events with deadlines, its exit code, and signals to it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::command::{self, Ended};
use super::{Developer, say};
use crate::clock;

/// Names the `devspace` program to test. Unset: the one beside the tests in Cargo's target folder.
pub const PROGRAM: &str = "DEVSPACE_E2E_CLI";

/// How long a verb that ends by itself may take.
const VERB: Duration = Duration::from_secs(180);

/// Lines of the child that an error shows.
const SHOWN: usize = 60;

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// When the test read it, on the machine's monotonic clock. It was written before.
    pub at_us: u64,
    /// The event.
    pub value: Value,
}

impl Event {
    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("event")
    }

    /// A field as text, empty where it is none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.value.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A field as a whole number, 0 where it is none.
    #[must_use]
    pub fn number(&self, field: &str) -> u64 {
        self.value.get(field).and_then(Value::as_u64).unwrap_or_default()
    }

    /// A field as seconds, 0 where it is none.
    #[must_use]
    pub fn seconds(&self, field: &str) -> f64 {
        self.value.get(field).and_then(Value::as_f64).unwrap_or_default()
    }
}

/// Who runs `devspace`, and where.
#[derive(Debug, Clone)]
pub struct Caller {
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Caller {
    /// With this kubeconfig and this home folder.
    #[must_use]
    pub fn new(kubeconfig: &Path, home: &Path) -> Self {
        Self {
            kubeconfig: kubeconfig.to_owned(),
            home: home.to_owned(),
        }
    }

    /// This developer.
    #[must_use]
    pub fn developer(developer: &Developer) -> Self {
        Self::new(&developer.kubeconfig(), developer.home())
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(program()?);
        command
            .args(["--output", "json"])
            .args(arguments)
            .current_dir(folder);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home);
        for name in [
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
            "DEVSPACE_SPACE",
            "DEVSPACE_BASELINE",
            "DEVSPACE_ENGINE",
            "DEVSPACE_LOCAL_STATE",
        ] {
            command.env_remove(name);
        }
        Ok(command)
    }

    /// Runs a verb to its end in `folder`. Any exit code is an answer.
    ///
    /// # Errors
    /// It cannot be started, or does not end.
    pub async fn run(&self, folder: &Path, arguments: &[&str]) -> Result<(Ended, Vec<Event>)> {
        let ended = command::run(&mut self.command(folder, arguments)?, VERB).await?;
        let events = ended.stdout.lines().filter_map(|line| parse(line).ok()).collect();
        Ok((ended, events))
    }

    /// Runs a verb that must end with exit code 0.
    ///
    /// # Errors
    /// As [`Caller::run`], and another exit code.
    pub async fn ok(&self, folder: &Path, arguments: &[&str]) -> Result<Vec<Event>> {
        let (ended, events) = self.run(folder, arguments).await?;
        ensure!(
            ended.code == 0,
            "devspace {arguments:?} ended with {}\n{}{}",
            ended.code,
            ended.stdout,
            ended.stderr
        );
        Ok(events)
    }

    /// Starts a verb and leaves it running.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, folder: &Path, arguments: &[&str]) -> Result<Devspace> {
        Devspace::start(self.command(folder, arguments)?)
    }
}

fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Ok(program.into());
    }
    let own = std::env::current_exe()?;
    let folder = own
        .ancestors()
        .nth(2)
        .context("the tests stand in no target folder")?;
    let program = folder.join("devspace");
    ensure!(
        program.exists(),
        "{} is not there: `cargo build -p devspace-cli`",
        program.display()
    );
    Ok(program)
}

fn parse(line: &str) -> Result<Event> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
    ensure!(
        value.get("v").and_then(Value::as_u64) == Some(1),
        "no event of version 1: {line}"
    );
    Ok(Event {
        at_us: clock::now_us(),
        value,
    })
}

enum Line {
    Stdout(String),
    Stderr(String),
}

/// A running `devspace`. Dropping it kills it.
pub struct Devspace {
    child: Child,
    lines: mpsc::Receiver<(u64, Line)>,
    _readers: JoinSet<()>,
    last: VecDeque<String>,
    revision: u64,
}

impl Devspace {
    fn start(mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.as_std()))?;
        let (sender, lines) = mpsc::channel(4096);
        let mut readers = JoinSet::new();
        let stdout = child.stdout.take().context("no standard output")?;
        let stderr = child.stderr.take().context("no standard error")?;
        readers.spawn(read(stdout, sender.clone(), Line::Stdout));
        readers.spawn(read(stderr, sender, Line::Stderr));
        Ok(Self {
            child,
            lines,
            _readers: readers,
            last: VecDeque::new(),
            revision: 0,
        })
    }

    /// The next event of this name. Events before it are passed over, an `error` event is an error.
    ///
    /// # Errors
    /// The deadline passed, the program ended, or wrote something that is no event.
    pub async fn event(&mut self, name: &str, limit: Duration) -> Result<Event> {
        self.event_that(name, limit, |_| true).await
    }

    /// The next event of this name for which the condition holds.
    ///
    /// # Errors
    /// As [`Devspace::event`].
    pub async fn event_that(
        &mut self,
        name: &str,
        limit: Duration,
        holds: impl Fn(&Event) -> bool,
    ) -> Result<Event> {
        let deadline = Instant::now() + limit;
        loop {
            let next = timeout_at(deadline, self.lines.recv()).await;
            let line = next.map_err(|_| self.gone(&format!("no event `{name}` within {limit:?}")))?;
            let Some((at_us, line)) = line else {
                let status = timeout(Duration::from_secs(5), self.child.wait()).await;
                return Err(self.gone(&format!("ended before the event `{name}`: {status:?}")));
            };
            self.keep(&line);
            let Line::Stdout(text) = line else { continue };
            let event = Event {
                at_us,
                ..parse(&text)?
            };
            self.revision = self.revision.max(event.number("revision"));
            if event.name() == name && holds(&event) {
                return Ok(event);
            }
            if event.name() == "error" && name != "error" {
                return Err(self.gone(&format!("an error before the event `{name}`")));
            }
        }
    }

    fn keep(&mut self, line: &Line) {
        let (Line::Stdout(text) | Line::Stderr(text)) = line;
        // What the program writes would push everything else out.
        if text.contains("\"event\":\"output\"") {
            return;
        }
        self.last.push_back(text.clone());
        if self.last.len() > SHOWN {
            self.last.pop_front();
        }
    }

    fn gone(&self, what: &str) -> anyhow::Error {
        let lines: Vec<&str> = self.last.iter().map(String::as_str).collect();
        anyhow!("devspace: {what}; its last lines:\n{}", lines.join("\n"))
    }

    /// The newest revision of which an event has spoken.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Waits until the program ends, and answers its exit code with the events that it wrote to its end.
    ///
    /// # Errors
    /// It does not end in time, or a signal ended it.
    pub async fn ended(&mut self, limit: Duration) -> Result<(i32, Vec<Event>)> {
        let deadline = Instant::now() + limit;
        let mut events = Vec::new();
        loop {
            let next = timeout_at(deadline, self.lines.recv()).await;
            let Some((at_us, line)) = next.map_err(|_| self.gone(&format!("not ended within {limit:?}")))?
            else {
                break;
            };
            self.keep(&line);
            if let Line::Stdout(text) = line {
                events.push(Event {
                    at_us,
                    ..parse(&text)?
                });
            }
        }
        let status = timeout_at(deadline, self.child.wait())
            .await
            .context("devspace closed its output and did not end")??;
        match status.code() {
            Some(code) => Ok((code, events)),
            None => bail!("{}", self.gone("a signal ended it")),
        }
    }

    /// Ctrl-c.
    ///
    /// # Errors
    /// The program is gone.
    pub fn interrupt(&self) -> Result<()> {
        self.signal(Signal::INT)
    }

    /// Kills it with signal 9 and waits until it is gone.
    ///
    /// # Errors
    /// The program is gone already.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child
            .wait()
            .await
            .map(drop)
            .context("cannot wait for devspace")
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = self.child.id().context("devspace has ended")?;
        let id = Pid::from_raw(i32::try_from(id)?).context("no process id")?;
        kill_process(id, signal).context("cannot signal devspace")
    }

    /// Prints the last lines.
    pub fn print(&self) {
        for line in &self.last {
            say(format!("  devspace | {line}"));
        }
    }
}

async fn read(from: impl AsyncRead + Unpin, to: mpsc::Sender<(u64, Line)>, kind: fn(String) -> Line) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if to.send((clock::now_us(), kind(line))).await.is_err() {
            break;
        }
    }
}
