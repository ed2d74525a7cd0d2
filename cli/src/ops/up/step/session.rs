//! What the agent says, as the step function takes it.

use std::time::Duration;

use devspace_sync::session::{Exit, OutputStream, SessionEvent};

use super::{BUILD_LINES, Effect, Failure, ProgramState, State, UpError, pod_event, warn};
use crate::event::{Event, Stream};

/// Takes one event of the session.
pub(super) fn take(state: &mut State, event: SessionEvent, now: Duration) -> Vec<Effect> {
    let service = state.service.clone();
    match event {
        SessionEvent::Connected { resumed, .. } => {
            state.resumed = resumed;
            state.pod_after = Some(now);
            vec![Effect::Tell(pod_event(state, now))]
        }
        event @ (SessionEvent::SyncProgress { .. }
        | SessionEvent::Synced { .. }
        | SessionEvent::InSync { .. }) => files(state, &event),
        event @ (SessionEvent::BuildStarted { .. }
        | SessionEvent::BuildOutput { .. }
        | SessionEvent::BuildFinished { .. }) => build(state, event),
        event @ (SessionEvent::ProgramStarting { .. }
        | SessionEvent::Live { .. }
        | SessionEvent::Exited { .. }) => program(state, event),
        SessionEvent::Output { stream, line } => {
            let stream = match stream {
                OutputStream::Stdout => Stream::Stdout,
                OutputStream::Stderr => Stream::Stderr,
            };
            tell(Event::Output {
                service,
                stream,
                line,
            })
        }
        SessionEvent::TakenOver { by } => {
            let by = format!("{}@{}", by.user, by.host);
            let told = Event::TakenOver {
                service: service.clone(),
                by: by.clone(),
            };
            vec![
                Effect::Tell(told),
                Effect::End(Err(UpError::TakenOver { service, by })),
            ]
        }
        SessionEvent::Disconnected { reason } => tell(Event::Disconnected { service, reason }),
        SessionEvent::Reconnected { took } => tell(Event::Reconnected {
            service,
            seconds: took.into(),
        }),
        SessionEvent::Halted { reason } => {
            state.halted = Some(reason.clone());
            tell(Event::Halted { service, reason })
        }
        SessionEvent::Warning { message } => vec![warn(state, message)],
        // Scanning is quick and says nothing that a reader acts on; unknown events of a newer library likewise.
        _ => Vec::new(),
    }
}

fn tell(event: Event) -> Vec<Effect> {
    vec![Effect::Tell(event)]
}

fn files(state: &mut State, event: &SessionEvent) -> Vec<Effect> {
    let service = state.service.clone();
    match *event {
        SessionEvent::SyncProgress {
            files_done,
            files,
            bytes_done,
            bytes,
        } => tell(Event::Syncing {
            service,
            files_done,
            files,
            bytes_done,
            bytes,
        }),
        SessionEvent::Synced {
            revision,
            files,
            deleted,
            bytes,
            took,
        } => {
            if !state.up {
                state.files = Some(state.files.unwrap_or_default() + files);
            }
            state.sent = Some(revision.0);
            state.folder = Some(revision.0);
            // What failed before was other content.
            state.held = None;
            tell(Event::Synced {
                service,
                revision: revision.0,
                files,
                deleted,
                bytes,
                seconds: took.into(),
            })
        }
        SessionEvent::InSync { revision, .. } => {
            state.in_sync = true;
            state.files.get_or_insert(0);
            state.folder = Some(revision.0);
            let mut effects = tell(Event::InSync {
                service,
                revision: revision.0,
            });
            if let Some(failure) = state.held.take() {
                effects.extend(fail(state, failure));
            }
            effects
        }
        _ => Vec::new(),
    }
}

fn build(state: &mut State, event: SessionEvent) -> Vec<Effect> {
    let service = state.service.clone();
    match event {
        SessionEvent::BuildStarted { revision } => {
            state.program = ProgramState::Building;
            state.build_lines.clear();
            tell(Event::Building {
                service,
                revision: revision.map(|revision| revision.0),
            })
        }
        SessionEvent::BuildOutput { line } => {
            keep(&mut state.build_lines, line.clone());
            tell(Event::BuildOutput { service, line })
        }
        SessionEvent::BuildFinished {
            revision,
            ok: true,
            took,
            ..
        } => {
            // What follows is a start, or the program goes on as it was.
            state.program = ProgramState::Starting;
            if !state.up {
                state.build_took = Some(state.build_took.unwrap_or_default() + took);
            }
            tell(Event::Built {
                service,
                revision: revision.map(|revision| revision.0),
                seconds: took.into(),
            })
        }
        SessionEvent::BuildFinished {
            revision, took, exit, ..
        } => {
            let (revision, status) = (revision.map(|revision| revision.0), words(exit));
            let last_lines = std::mem::take(&mut state.build_lines);
            let failed = Event::BuildFailed {
                service: service.clone(),
                revision,
                seconds: took.into(),
                status: status.clone(),
                last_lines,
            };
            let error = UpError::Build {
                service,
                status,
                old_runs: state.resumed,
            };
            fail(
                state,
                Failure {
                    revision,
                    event: failed,
                    error,
                },
            )
        }
        _ => Vec::new(),
    }
}

/// Keeps the last lines of a build.
fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() == BUILD_LINES {
        lines.remove(0);
    }
    lines.push(line);
}

/// Tells a failure, and ends an `up` that is not up. On a new session the agent tries again what the copy held before:
/// that says nothing about the folder, so such a failure is held back until it is known what the folder holds.
fn fail(state: &mut State, failure: Failure) -> Vec<Effect> {
    if state.up {
        return tell(failure.event);
    }
    let is_folders = match (failure.revision, state.folder) {
        (None, _) => true,
        (Some(revision), Some(folder)) => revision >= folder,
        (Some(_), None) => false,
    };
    if is_folders {
        return vec![Effect::Tell(failure.event), Effect::End(Err(failure.error))];
    }
    state.held = Some(failure);
    Vec::new()
}

fn program(state: &mut State, event: SessionEvent) -> Vec<Effect> {
    let service = state.service.clone();
    match event {
        SessionEvent::ProgramStarting { revision } => {
            state.program = ProgramState::Starting;
            state.started = Some(revision.0);
            state.held = None;
            tell(Event::Starting {
                service,
                revision: revision.0,
            })
        }
        SessionEvent::Live {
            revision,
            took_since_save,
            took_restart,
        } => {
            state.program = ProgramState::Live;
            state.live = Some(revision.0);
            state.started = Some(revision.0);
            tell(Event::Live {
                service,
                revision: revision.0,
                seconds: took_since_save.map(Into::into),
                restart_seconds: took_restart.into(),
                first: !state.up,
            })
        }
        SessionEvent::Exited {
            exit,
            last_lines,
            crash_loop,
        } => {
            state.program = ProgramState::Ended;
            let status = words(exit);
            let event = Event::Exited {
                service: service.clone(),
                status: status.clone(),
                last_lines,
                crash_loop,
            };
            let error = UpError::Exited { service, status };
            // One whose start this session was not told was dead before it, from what is no longer asked for.
            let revision = Some(state.started.unwrap_or_default());
            fail(
                state,
                Failure {
                    revision,
                    event,
                    error,
                },
            )
        }
        _ => Vec::new(),
    }
}

/// How a process ended, for people.
fn words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Unknown => "it could not be started".to_owned(),
    }
}
