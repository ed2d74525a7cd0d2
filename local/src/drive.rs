//! Brings a service of the baseline to what its folder holds: one session, which is left when the program answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use devspace_sync::session::{self, Dial, Exit, SessionConfig, SessionEvent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A program that reloads itself is not started again for what was sent: then the agent says nothing more.
const QUIET: Duration = Duration::from_millis(1500);
/// A program that runs for this long without listening is told of.
const SILENT: Duration = Duration::from_secs(20);
/// A service that has not come to an end of its way by then is left to itself.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Lines of a build that are kept for its failure.
const LINES: usize = 40;

/// What a service is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Syncing,
    Building,
    Starting,
}

/// What happens on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DriveEvent {
    Stage(Stage),
    /// The program runs and does not listen.
    Silent,
    /// It is over; a failure says why.
    Done(Result<(), String>),
}

/// Tells the workspace how one service goes on.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) service: String,
    /// Which of its drives.
    pub(crate) number: u64,
    pub(crate) drives: mpsc::Sender<(String, u64, DriveEvent)>,
}

// === impl Teller ===

impl Teller {
    async fn tell(&self, event: DriveEvent) {
        // A workspace that has ended hears nothing, and needs nothing.
        let _ = self.drives.send((self.service.clone(), self.number, event)).await;
    }
}

/// What the session has told so far.
#[derive(Debug, Default)]
struct Progress {
    in_sync: bool,
    sent: u64,
    live: Option<u64>,
    failed: Option<(u64, String)>,
    exited: Option<String>,
    lines: VecDeque<String>,
    over: Option<Result<(), String>>,
}

/// Drives until the program answers, or cannot.
pub(crate) async fn drive(
    dial: Arc<dyn Dial>,
    config: SessionConfig,
    cancel: CancellationToken,
    teller: Teller,
) {
    let (session, mut events) = session::start(dial, config, cancel.clone());
    let mut progress = Progress::default();
    let mut stage = Stage::Syncing;
    let until = tokio::time::Instant::now() + LONGEST;
    teller.tell(DriveEvent::Stage(stage)).await;
    let result = loop {
        let wait = match stage {
            _ if progress.may_be_quiet() => QUIET,
            Stage::Starting => SILENT,
            _ => LONGEST,
        };
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else {
                    break progress.over.unwrap_or_else(|| Err("its session ended".to_owned()));
                };
                if let Some(next) = progress.take(event)
                    && next != stage
                {
                    stage = next;
                    teller.tell(DriveEvent::Stage(stage)).await;
                }
            }
            () = tokio::time::sleep(wait) => {
                if progress.may_be_quiet() {
                    break Ok(());
                }
                teller.tell(DriveEvent::Silent).await;
            }
            () = tokio::time::sleep_until(until) => break Err("it was not ready in half an hour".to_owned()),
            () = cancel.cancelled() => return session.shutdown().await,
        }
        if let Some(result) = progress.result() {
            break result;
        }
    };
    // From here on an edit in the folder does not reach the baseline.
    session.shutdown().await;
    teller.tell(DriveEvent::Done(result)).await;
}

// === impl Progress ===

impl Progress {
    /// Takes what the session tells. Returns what the service is at now, where that may have changed.
    fn take(&mut self, event: SessionEvent) -> Option<Stage> {
        match event {
            SessionEvent::Synced { revision, .. } => {
                self.sent = revision.0;
                Some(Stage::Syncing)
            }
            SessionEvent::Scanning | SessionEvent::SyncProgress { .. } => Some(Stage::Syncing),
            SessionEvent::BuildStarted { .. } => {
                self.lines.clear();
                self.failed = None;
                Some(Stage::Building)
            }
            SessionEvent::BuildOutput { line } => {
                self.lines.push_back(line);
                if self.lines.len() > LINES {
                    self.lines.pop_front();
                }
                None
            }
            SessionEvent::BuildFinished {
                ok: false,
                exit,
                revision,
                ..
            } => {
                let lines: Vec<String> = self.lines.drain(..).collect();
                let text = format!("the build failed ({})\n{}", ended(exit), lines.join("\n"));
                // A build on this machine comes before its revision.
                self.failed = Some((revision.map_or(u64::MAX, |revision| revision.0), text));
                None
            }
            SessionEvent::ProgramStarting { .. } => {
                self.exited = None;
                Some(Stage::Starting)
            }
            SessionEvent::Live { revision, .. } => {
                self.exited = None;
                self.live = Some(revision.0);
                None
            }
            SessionEvent::Exited { exit, last_lines, .. } => {
                self.exited = Some(exit_text(exit, &last_lines));
                None
            }
            SessionEvent::InSync { .. } => {
                self.in_sync = true;
                None
            }
            SessionEvent::Halted { reason } => {
                self.over = Some(Err(reason));
                None
            }
            SessionEvent::TakenOver { by } => {
                self.over = Some(Err(format!("a session of {} took its folder", by.user)));
                None
            }
            _ => None,
        }
    }

    /// How it ended, if it has.
    fn result(&self) -> Option<Result<(), String>> {
        if let Some(over) = &self.over {
            return Some(over.clone());
        }
        if !self.in_sync {
            return None;
        }
        if let Some((revision, text)) = &self.failed
            && *revision >= self.sent
        {
            return Some(Err(text.clone()));
        }
        if let Some(text) = &self.exited {
            return Some(Err(text.clone()));
        }
        self.live.filter(|live| *live >= self.sent).map(|_| Ok(()))
    }

    /// The program answers, but was not started from the newest content: it may be one that reloads itself.
    fn may_be_quiet(&self) -> bool {
        self.in_sync && self.live.is_some() && self.failed.is_none()
    }
}

/// How a program ended by itself, with what it wrote last.
pub(crate) fn exit_text(exit: Exit, last_lines: &[String]) -> String {
    format!(
        "the program ended by itself ({})\n{}",
        ended(exit),
        last_lines.join("\n")
    )
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Unknown => "it could not be started".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use devspace_sync::session::{Revision, RootHash};

    use super::*;

    fn synced(revision: u64) -> SessionEvent {
        SessionEvent::Synced {
            revision: Revision(revision),
            files: 1,
            deleted: 0,
            bytes: 1,
            took: Duration::ZERO,
        }
    }

    fn live(revision: u64) -> SessionEvent {
        SessionEvent::Live {
            revision: Revision(revision),
            took_since_save: None,
            took_restart: Duration::ZERO,
        }
    }

    fn in_sync(revision: u64) -> SessionEvent {
        SessionEvent::InSync {
            revision: Revision(revision),
            root: RootHash(String::new()),
        }
    }

    fn after(events: impl IntoIterator<Item = SessionEvent>) -> Progress {
        let mut progress = Progress::default();
        for event in events {
            progress.take(event);
        }
        progress
    }

    #[test]
    fn it_is_over_when_the_newest_content_answers() {
        assert_eq!(after([live(1), synced(2), in_sync(2)]).result(), None);
        assert!(after([live(1), synced(2), in_sync(2)]).may_be_quiet());
        assert_eq!(
            after([live(1), synced(2), in_sync(2), live(2)]).result(),
            Some(Ok(()))
        );
        assert_eq!(after([in_sync(1), live(1)]).result(), Some(Ok(())));
    }

    #[test]
    fn a_failed_build_of_old_content_does_not_count() {
        let failed = |revision| SessionEvent::BuildFinished {
            revision: Some(Revision(revision)),
            ok: false,
            took: Duration::ZERO,
            exit: Exit::Code(1),
        };
        let output = SessionEvent::BuildOutput {
            line: "error: no".into(),
        };
        assert_eq!(after([failed(1), synced(2), in_sync(2)]).result(), None);
        let over = after([synced(2), in_sync(2), output, failed(2)]).result();
        assert_eq!(
            over,
            Some(Err("the build failed (exit code 1)\nerror: no".into()))
        );
    }

    #[test]
    fn a_program_that_ends_is_told_with_its_last_lines() {
        let exited = SessionEvent::Exited {
            exit: Exit::Code(9),
            last_lines: vec!["boom".into()],
            crash_loop: false,
        };
        let over = after([synced(1), in_sync(1), exited]).result();
        assert_eq!(
            over,
            Some(Err("the program ended by itself (exit code 9)\nboom".into()))
        );
    }
}
