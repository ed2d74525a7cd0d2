//! The program: stop, start, wait until it listens, start again after a crash.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use devspace_sync::protocol::AgentEvent;
use devspace_sync::session::Exit;
use rustix::process::Signal;
use tokio::time::Instant;

use super::{BACKOFF_FIRST, BACKOFF_MAX, CRASH_LOOP, STEADY, Supervisor};
use crate::group::{Group, Sink, Start};
use crate::listening::{all_listen, any_listens};
use crate::ready::Readiness;

/// Lines that are kept for [`AgentEvent::Exited`].
const LAST_LINES: usize = 50;
/// How often a stopping or starting program is looked at while it is new, and later.
const LOOK: Duration = Duration::from_millis(2);
const LOOK_LATER: Duration = Duration::from_millis(25);
/// How long it is new.
const NEW: Duration = Duration::from_secs(3);
/// After SIGKILL, and for a port that something else holds: then the start is tried anyway, and it is said.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Where the program is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    /// Nothing was started yet, or it cannot be.
    Idle,
    /// The old one is on its way out.
    Stopping { since: Instant, killed: Option<Instant> },
    /// The new one does not listen yet. `since` is the stop of the old one.
    Starting { since: Instant },
    /// It listens.
    Live,
    /// It ended by itself and is started again then.
    Backoff { until: Instant },
}

/// The last lines of the program.
#[derive(Debug, Clone, Default)]
pub(super) struct LastLines {
    lines: Arc<Mutex<VecDeque<String>>>,
}

// === impl Phase ===

impl Phase {
    pub(super) fn wake(&self) -> Option<Instant> {
        let now = Instant::now();
        match self {
            Self::Idle | Self::Live => None,
            Self::Stopping { since, .. } | Self::Starting { since } if now.duration_since(*since) < NEW => {
                Some(now + LOOK)
            }
            Self::Stopping { .. } | Self::Starting { .. } => Some(now + LOOK_LATER),
            Self::Backoff { until } => Some(*until),
        }
    }

    /// Nothing runs and nothing is about to.
    pub(super) fn is_down(&self) -> bool {
        matches!(self, Self::Idle | Self::Backoff { .. })
    }
}

// === impl LastLines ===

impl LastLines {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line.to_owned());
        if lines.len() > LAST_LINES {
            lines.pop_front();
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

// === impl Supervisor ===

impl Supervisor {
    /// Stops the program if it runs, and starts it when nothing of it is left.
    pub(super) fn restart(&mut self) {
        let since = match self.phase {
            Phase::Stopping { .. } => return,
            _ => Instant::now(),
        };
        let was = *self.parts.readiness.borrow();
        if was == Readiness::Live {
            self.set_ready(Readiness::Restarting(since.into_std()));
        }
        if let Some(program) = &self.program {
            program.signal(Signal::TERM);
        }
        self.phase = Phase::Stopping { since, killed: None };
        self.tick();
    }

    /// Looks whether the old program is gone, or the new one listens, or the wait after a crash is over.
    pub(super) fn tick(&mut self) {
        match self.phase {
            Phase::Stopping { since, killed } => self.look_at_stopping(since, killed),
            Phase::Starting { since } => {
                if all_listen(&self.ports()) {
                    self.live(since);
                }
            }
            Phase::Backoff { until } if until <= Instant::now() => {
                self.phase = Phase::Stopping {
                    since: Instant::now(),
                    killed: None,
                };
                self.tick();
            }
            Phase::Backoff { .. } | Phase::Idle | Phase::Live => {}
        }
    }

    fn look_at_stopping(&mut self, since: Instant, killed: Option<Instant>) {
        let now = Instant::now();
        let is_gone = self.program.as_mut().is_none_or(Group::is_gone);
        if is_gone {
            self.program = None;
            if !any_listens(&self.ports()) {
                return self.start_program(since);
            }
            // On a machine what left its group has come to us.
            if self.parts.environment.is_local() {
                self.parts.children.signal_orphans(Signal::KILL);
            }
            // A process that left its group, or another container of the pod, holds a port.
            if now.duration_since(since) < self.stop_grace() + LAST_WAIT {
                return;
            }
            self.warn(format!(
                "a port of {:?} is held by a process that is not the program's",
                self.ports()
            ));
            return self.start_program(since);
        }
        match killed {
            None if now.duration_since(since) >= self.stop_grace() => {
                if let Some(program) = &self.program {
                    program.signal(Signal::KILL);
                }
                self.phase = Phase::Stopping {
                    since,
                    killed: Some(now),
                };
            }
            Some(killed) if now.duration_since(killed) >= LAST_WAIT => {
                self.warn("a process of the old program did not end by SIGKILL".to_owned());
                self.program = None;
                self.start_program(since);
            }
            _ => {}
        }
    }

    fn start_program(&mut self, since: Instant) {
        let Some(config) = &self.config else {
            self.phase = Phase::Idle;
            return;
        };
        let command = if config.run.is_empty() {
            &self.parts.environment.command
        } else {
            &config.run
        };
        if command.is_empty() {
            self.phase = Phase::Idle;
            return self.warn(
                "there is nothing to run: `run` is not set, and the workload has no command".to_owned(),
            );
        }
        let start = Start {
            command: self.parts.environment.command(command, &config.ports),
            environment: self.parts.environment.of_program(&config.env, &config.ports),
            working_dir: self.parts.environment.working_dir(config.working_dir.as_deref()),
        };
        self.started = self.revision;
        self.started_at = Instant::now();
        self.parts.log.push(AgentEvent::ProgramStarting {
            revision: self.revision,
        });
        let sink = self.sink();
        match Group::start(&start, &self.parts.children, &sink) {
            Ok(group) => {
                self.program = Some(group);
                self.phase = Phase::Starting { since };
            }
            Err(error) => {
                self.last_lines
                    .push(&format!("cannot start `{}`: {error}", start.command.join(" ")));
                self.program_ended(Exit::Unknown);
            }
        }
    }

    fn live(&mut self, since: Instant) {
        self.phase = Phase::Live;
        self.set_ready(Readiness::Live);
        let took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.parts.log.push(AgentEvent::Live {
            revision: self.started,
            took_ms,
        });
    }

    pub(super) fn program_ended(&mut self, exit: Exit) {
        // What it left behind ends now; the next start waits until nothing of it is left.
        if let Some(program) = &self.program {
            program.signal(Signal::KILL);
        }
        self.crashes = if self.started_at.elapsed() < STEADY {
            self.crashes + 1
        } else {
            1
        };
        let doublings = (self.crashes - 1).min(10);
        let wait = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        self.phase = Phase::Backoff {
            until: Instant::now() + wait,
        };
        let crash_loop = self.crashes >= CRASH_LOOP;
        let last_lines = self.last_lines.take();
        self.parts.log.push(AgentEvent::Exited {
            exit,
            last_lines,
            crash_loop,
        });
        // After the event, which who hears of it looks up.
        self.set_ready(Readiness::Down);
    }

    pub(super) fn stop_grace(&self) -> Duration {
        self.config.as_ref().map_or(Duration::ZERO, |config| {
            Duration::from_millis(config.stop_grace_ms)
        })
    }

    fn ports(&self) -> Vec<u16> {
        let declared = self.config.as_ref().map_or(&[][..], |config| &config.ports);
        self.parts.environment.listening(declared)
    }

    fn sink(&self) -> Sink {
        let (log, container) = (Arc::clone(&self.parts.log), self.parts.container.clone());
        let last_lines = self.last_lines.clone();
        Arc::new(move |stream, line| {
            last_lines.push(line);
            log.push(AgentEvent::Output {
                stream,
                line: line.to_owned(),
            });
            container.write(line);
        })
    }
}
