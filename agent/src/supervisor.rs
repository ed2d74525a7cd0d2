//! Builds and runs the program: one actor that owns both process groups.
//!
//! A batch cancels a running build; the build starts again with the new content.
//! A failed build leaves the program alone. After a build, and after a batch that the configuration's `restart` names,
//! the program is stopped with all that it started, and only then the new one is started.

mod building;
mod output;
mod running;

use std::sync::Arc;
use std::time::Duration;

use devspace_sync::protocol::{AgentEvent, RunConfig};
use devspace_sync::session::{Exit, Revision};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::environment::Environment;
use crate::events::EventLog;
use crate::group::Group;
use crate::ready::Readiness;
use crate::reap::Children;
use crate::saved::Saved;

use building::Building;
pub use output::Container;
use running::{LastLines, Phase};

/// Commands that may wait for the supervisor.
const COMMANDS: usize = 16;
/// A program that ends sooner than this after its start counts as crashing.
const STEADY: Duration = Duration::from_secs(10);
/// The first wait before a crashed program is started again; it doubles each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long a process that left the program's group may take to end by itself at the end, and after SIGKILL.
const ORPHAN_GRACE: Duration = Duration::from_millis(500);
const ORPHAN_KILL: Duration = Duration::from_secs(2);
/// So many ends in a row are a crash loop.
const CRASH_LOOP: u32 = 3;

/// What the supervisor is told.
#[derive(Debug)]
pub enum Command {
    /// A batch is about to be applied: end a running build. Answered when nothing of the build is left.
    Pause(oneshot::Sender<()>),
    /// The copy holds this content now.
    Content(Box<Content>),
    /// A client came. A new one gets a failed build repeated, so that it sees why.
    Attached {
        /// It is not the reconnect of one that was there.
        is_new: bool,
    },
    /// Stop the program and start it again.
    Restart,
    /// Stop everything and end. Answered when nothing is left.
    Stop(oneshot::Sender<()>),
}

/// What the copy holds.
#[derive(Debug, Clone)]
pub struct Content {
    /// The newest batch.
    pub revision: Revision,
    /// How to build and run it.
    pub config: RunConfig,
    /// The digest of the build's inputs if they may have changed; `None` if they have not, or there is no build.
    pub digest: Option<String>,
    /// What has changed asks for a new start of the program also where no build is due.
    pub restarts: bool,
}

/// What the supervisor works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The pod's settings.
    pub environment: Arc<Environment>,
    /// What is remembered between starts of the agent.
    pub saved: Saved,
    /// The children that the reaper leaves alone.
    pub children: Children,
    /// Where events go.
    pub log: Arc<EventLog>,
    /// What the probe is told.
    pub readiness: watch::Sender<Readiness>,
    /// The container's own output.
    pub container: Container,
}

/// Speaks to a supervisor.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
}

/// The supervisor has ended.
#[derive(Debug, thiserror::Error)]
#[error("the agent is stopping")]
pub struct Stopped;

/// The actor.
#[derive(Debug)]
pub struct Supervisor {
    parts: Parts,
    commands: mpsc::Receiver<Command>,
    config: Option<RunConfig>,
    revision: Revision,
    /// The inputs that the copy holds; those of the last good build; those of the last failed one.
    digest: Option<String>,
    built: Option<String>,
    failed: Option<String>,
    build: Option<Building>,
    program: Option<Group>,
    phase: Phase,
    /// The content that the program was started from.
    started: Revision,
    started_at: Instant,
    crashes: u32,
    last_lines: LastLines,
}

// === impl Handle ===

impl Handle {
    /// Sends a command.
    ///
    /// # Errors
    /// [`Stopped`] if the supervisor has ended.
    pub async fn send(&self, command: Command) -> Result<(), Stopped> {
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    /// Sends a command that is answered, and waits for the answer.
    ///
    /// # Errors
    /// [`Stopped`] if the supervisor has ended.
    pub async fn ask(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) -> Result<(), Stopped> {
        let (done_tx, done_rx) = oneshot::channel();
        self.send(command(done_tx)).await?;
        done_rx.await.map_err(|_| Stopped)
    }
}

// === impl Supervisor ===

impl Supervisor {
    /// A supervisor with nothing to run yet.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, Handle) {
        let (command_tx, command_rx) = mpsc::channel(COMMANDS);
        let built = parts.saved.built();
        let supervisor = Self {
            parts,
            commands: command_rx,
            config: None,
            revision: Revision::default(),
            digest: None,
            built,
            failed: None,
            build: None,
            program: None,
            phase: Phase::Idle,
            started: Revision::default(),
            started_at: Instant::now(),
            crashes: 0,
            last_lines: LastLines::default(),
        };
        (supervisor, Handle { commands: command_tx })
    }

    /// Works until it is told to stop or nobody can tell it anything any more.
    pub async fn run(mut self) {
        loop {
            let wake = self.phase.wake();
            let wakes = wake.is_some();
            let runs = matches!(self.phase, Phase::Starting { .. } | Phase::Live);
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Stop(done)) => {
                        self.stop_all().await;
                        // The asker may be gone; everything is stopped either way.
                        let _ = done.send(());
                        return;
                    }
                    Some(command) => self.handle(command).await,
                    None => return self.stop_all().await,
                },
                exit = ended(self.build.as_mut().map(Building::group)) => self.build_ended(exit),
                exit = ended(self.program.as_mut()), if runs => self.program_ended(exit),
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wakes => self.tick(),
            }
        }
    }

    async fn handle(&mut self, command: Command) {
        match command {
            Command::Pause(done) => {
                self.cancel_build().await;
                let _ = done.send(());
            }
            Command::Content(content) => self.take(*content).await,
            Command::Attached { is_new } => self.attached(is_new).await,
            Command::Restart => self.restart(),
            // `run` takes it before it comes here.
            Command::Stop(_) => {}
        }
    }

    async fn take(&mut self, content: Content) {
        let is_changed = self.config.as_ref() != Some(&content.config);
        if is_changed {
            self.failed = None;
        }
        self.revision = content.revision;
        if content.digest.is_some() || content.config.build.is_none() {
            self.digest = content.digest;
        }
        self.config = Some(content.config);
        self.cancel_build().await;
        if self.build_is_due() {
            self.start_build();
        } else if content.restarts || is_changed || self.phase.is_down() {
            self.restart();
        }
    }

    async fn attached(&mut self, is_new: bool) {
        match self.phase {
            Phase::Live if is_new => self.parts.log.push(AgentEvent::Live {
                revision: self.started,
                took_ms: 0,
            }),
            Phase::Backoff { .. } | Phase::Idle
                if is_new && self.config.is_some() && self.build.is_none() =>
            {
                self.failed = None;
                if self.build_is_due() {
                    self.start_build()
                } else {
                    self.restart()
                }
            }
            _ => {}
        }
        if is_new && self.failed.take().is_some() && self.build.is_none() && self.build_is_due() {
            self.start_build();
        }
    }

    fn set_ready(&self, readiness: Readiness) {
        self.parts.readiness.send_replace(readiness);
    }

    fn warn(&self, message: String) {
        self.parts.log.push(AgentEvent::Warning { message });
    }

    async fn stop_all(&mut self) {
        self.set_ready(Readiness::Down);
        self.cancel_build().await;
        let grace = self.stop_grace();
        if let Some(mut program) = self.program.take() {
            stop(&mut program, grace).await;
        }
        // In a pod the container ends with us, and all that is in it.
        if self.parts.environment.is_local() {
            end_orphans(&self.parts.children).await;
        }
    }
}

/// Ends what left its group and has come to us: SIGTERM, then SIGKILL, until nothing is left or it cannot be ended.
async fn end_orphans(children: &Children) {
    use rustix::process::Signal;
    for (signal, wait) in [(Signal::TERM, ORPHAN_GRACE), (Signal::KILL, ORPHAN_KILL)] {
        let until = Instant::now() + wait;
        let mut look = tokio::time::interval(Duration::from_millis(10));
        if !children.signal_orphans(signal) {
            return;
        }
        // Ending one may bring us those below it, so the signal is sent again.
        while Instant::now() < until {
            look.tick().await;
            if !children.signal_orphans(signal) {
                return;
            }
        }
    }
    tracing::warn!("a process that left the program's group did not end by SIGKILL");
}

/// Ends `group`: SIGTERM, then SIGKILL after `grace`. Returns when nothing of it is left, or two seconds after SIGKILL.
async fn stop(group: &mut Group, grace: Duration) {
    use rustix::process::Signal;
    group.signal(Signal::TERM);
    if tokio::time::timeout(grace, gone(group)).await.is_err() {
        group.signal(Signal::KILL);
        if tokio::time::timeout(Duration::from_secs(2), gone(group))
            .await
            .is_err()
        {
            tracing::warn!("a process did not end by SIGKILL");
        }
    }
}

async fn gone(group: &mut Group) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    while !group.is_gone() {
        look.tick().await;
    }
}

/// Waits for a group that may not be there. Cancel safe.
async fn ended(group: Option<&mut Group>) -> Exit {
    match group {
        Some(group) => group.ended().await,
        None => std::future::pending().await,
    }
}
