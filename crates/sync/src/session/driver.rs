//! Drives a session: scan, connect, send, watch, and again after a cut.

mod connected;
mod sync;
mod tell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::folders::{Folders, missing};
use super::{Build, Command, CommandError, Dial, Revision, RootHash, SessionConfig, SessionEvent};
use super::{here, link::Link};
use crate::manifest::Manifest;
use crate::protocol::{BuildConfig, RunConfig};

/// The first wait before a new connection; it doubles up to the longest.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(3);

/// Why the session ends.
#[derive(Debug)]
pub(super) enum End {
    /// It was told already.
    Told,
    /// Nobody listens any more.
    Unheard,
}

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum Cut {
    /// It broke; a new one may do.
    Broken(String),
    /// The session ends with it.
    End(End),
}

/// The state of a session. It owns the folders' state; the agent's is a guess until the roots agree.
pub(super) struct Driver {
    dial: Arc<dyn Dial>,
    config: SessionConfig,
    run_config: RunConfig,
    events: mpsc::Sender<SessionEvent>,
    /// Taken out while it is read on a blocking thread.
    folders: Option<Folders>,
    here: Manifest,
    here_root: RootHash,
    there: Manifest,
    there_root: RootHash,
    revision: Revision,
    /// The root that was last told to be equal.
    told: Option<RootHash>,
    /// The instance of the agent whose events were read, and the newest number.
    heard: Option<(String, u64)>,
    /// When the first change of each revision was seen.
    saved: BTreeMap<Revision, Instant>,
    was_connected: bool,
    cut_at: Option<Instant>,
    is_halted: bool,
}

/// Drives until the session ends.
pub(super) async fn drive(
    dial: Arc<dyn Dial>,
    config: SessionConfig,
    mut commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<SessionEvent>,
) {
    let folders = match check(&config).and_then(|()| Folders::new(&config).map_err(|error| error.to_string()))
    {
        Ok(folders) => folders,
        Err(reason) => {
            let _ = events.send(SessionEvent::Halted { reason }).await;
            return;
        }
    };
    let run_config = run_config(&config);
    let mut driver = Driver {
        dial,
        config,
        run_config,
        events,
        folders: Some(folders),
        here: Manifest::default(),
        here_root: Manifest::default().root(),
        there: Manifest::default(),
        there_root: Manifest::default().root(),
        revision: Revision::default(),
        told: None,
        heard: None,
        saved: BTreeMap::new(),
        was_connected: false,
        cut_at: None,
        is_halted: false,
    };
    if let Ok(()) = driver.first_look().await {
        driver.connect_again_and_again(&mut commands).await;
    }
}

/// What can be known to be wrong before anything is done.
fn check(config: &SessionConfig) -> Result<(), String> {
    if let Some(root) = config.roots.iter().find(|root| !root.back.is_empty()) {
        return Err(format!(
            "`back` of the sync root {} cannot be used: this version syncs one way only",
            root.to
        ));
    }
    if let Some(root) = config
        .roots
        .iter()
        .find(|root| !root.from.is_absolute() || !root.to.starts_with('/'))
    {
        return Err(format!(
            "the sync root {} → {} needs absolute paths",
            root.from.display(),
            root.to
        ));
    }
    Ok(())
}

fn run_config(config: &SessionConfig) -> RunConfig {
    let program = &config.program;
    let build = match &program.build {
        Some(Build::Run { command, when }) => Some(BuildConfig {
            command: command.clone(),
            when: when.clone(),
        }),
        Some(Build::Here { .. }) | None => None,
    };
    RunConfig {
        roots: config.roots.iter().map(|root| root.to.clone()).collect(),
        build,
        run: program.run.clone(),
        env: program.env.clone(),
        ports: program.ports.clone(),
        working_dir: program.working_dir.clone(),
        restart: program.restart.clone(),
        stop_grace_ms: u64::try_from(program.stop_grace.as_millis()).unwrap_or(u64::MAX),
    }
}

// === impl Driver ===

impl Driver {
    /// Builds here if that is asked for, then reads the folders.
    async fn first_look(&mut self) -> Result<(), End> {
        if let Some(Build::Here { command, dir, .. }) = &self.config.program.build
            && !here::build(command, dir, &self.events).await
        {
            self.tell(SessionEvent::Warning {
                message: "the build failed; what it left is synced".to_owned(),
            })
            .await?;
        }
        if let Some(gone) = missing(&self.config) {
            let reason = format!("the folder {} does not exist", gone.display());
            self.tell(SessionEvent::Halted { reason }).await?;
            return Err(End::Told);
        }
        self.tell(SessionEvent::Scanning).await?;
        match self.look().await? {
            Ok(_) => {
                let (files, bytes) = self.here.totals();
                self.tell(SessionEvent::Scanned { files, bytes }).await
            }
            Err(error) => {
                self.tell(SessionEvent::Halted {
                    reason: chain(&error),
                })
                .await?;
                Err(End::Told)
            }
        }
    }

    async fn connect_again_and_again(&mut self, commands: &mut mpsc::Receiver<Command>) {
        let mut wait = RETRY_FIRST;
        loop {
            let began = Instant::now();
            let cut = match Link::open(Arc::clone(&self.dial), &self.config.client).await {
                Ok(link) => self.stay_connected(link, commands).await,
                Err(error) => Cut::Broken(chain(&error)),
            };
            let reason = match cut {
                Cut::Broken(reason) => reason,
                Cut::End(End::Told | End::Unheard) => return,
            };
            if self.was_connected && self.cut_at.is_none() {
                self.cut_at = Some(Instant::now());
                if self.tell(SessionEvent::Disconnected { reason }).await.is_err() {
                    return;
                }
            } else {
                tracing::debug!(reason, "no connection to the copy");
            }
            if began.elapsed() > RETRY_MAX {
                wait = RETRY_FIRST;
            }
            refuse_commands(commands, wait).await;
            wait = wait.saturating_mul(2).min(RETRY_MAX);
        }
    }

    async fn tell(&self, event: SessionEvent) -> Result<(), End> {
        self.events.send(event).await.map_err(|_| End::Unheard)
    }
}

/// Waits, and answers what cannot be done meanwhile.
async fn refuse_commands(commands: &mut mpsc::Receiver<Command>, wait: Duration) {
    let over = tokio::time::sleep(wait);
    tokio::pin!(over);
    loop {
        let command = tokio::select! {
            () = &mut over => return,
            Some(command) = commands.recv() => command,
        };
        match command {
            Command::Verify(answer) => drop(answer.send(Err(CommandError::NotConnected))),
            Command::Restart(answer) => drop(answer.send(Err(CommandError::NotConnected))),
        }
    }
}

/// An error and what lies under it, as one text.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(error) = under {
        text = format!("{text}: {error}");
        under = error.source();
    }
    text
}

impl From<End> for Cut {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}
