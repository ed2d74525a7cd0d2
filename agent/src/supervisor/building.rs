//! The build in the copy.

use std::sync::Arc;
use std::time::Duration;

use devspace_sync::protocol::{AgentEvent, BuildConfig};
use devspace_sync::session::{Exit, OutputStream, Revision};
use tokio::time::Instant;

use super::{Supervisor, stop};
use crate::group::{Group, Sink, Start};

/// How long a cancelled build may take to end by itself.
const CANCEL_GRACE: Duration = Duration::from_millis(300);

/// A running build.
#[derive(Debug)]
pub(super) struct Building {
    group: Group,
    revision: Revision,
    digest: Option<String>,
    began: Instant,
}

// === impl Building ===

impl Building {
    pub(super) fn group(&mut self) -> &mut Group {
        &mut self.group
    }
}

// === impl Supervisor ===

impl Supervisor {
    /// The inputs are neither those of the last good build nor those of the last failed one.
    pub(super) fn build_is_due(&self) -> bool {
        let has_build = self.config.as_ref().is_some_and(|config| config.build.is_some());
        has_build && self.digest.is_some() && self.digest != self.built && self.digest != self.failed
    }

    pub(super) fn start_build(&mut self) {
        let Some(config) = self.config.clone() else { return };
        let Some(BuildConfig { command, .. }) = config.build else {
            return;
        };
        let start = Start {
            command: self.parts.environment.command(&command, &config.ports),
            environment: self.parts.environment.of_program(&config.env, &config.ports),
            working_dir: self.parts.environment.working_dir(config.working_dir.as_deref()),
        };
        self.keep_built(None);
        let revision = self.revision;
        self.parts.log.push(AgentEvent::BuildStarted { revision });
        let (log, container) = (Arc::clone(&self.parts.log), self.parts.container.clone());
        let sink: Sink = Arc::new(move |_: OutputStream, line: &str| {
            log.push(AgentEvent::BuildOutput {
                line: line.to_owned(),
            });
            container.write(line);
        });
        let began = Instant::now();
        match Group::start(&start, &self.parts.children, &sink) {
            Ok(group) => {
                self.build = Some(Building {
                    group,
                    revision,
                    digest: self.digest.clone(),
                    began,
                });
            }
            Err(error) => {
                sink(
                    OutputStream::Stderr,
                    &format!("cannot start `{}`: {error}", command.join(" ")),
                );
                self.failed = self.digest.clone();
                let finished = AgentEvent::BuildFinished {
                    revision,
                    ok: false,
                    took_ms: 0,
                    exit: Exit::Unknown,
                };
                self.parts.log.push(finished);
            }
        }
    }

    pub(super) fn build_ended(&mut self, exit: Exit) {
        let Some(build) = self.build.take() else { return };
        let ok = exit == Exit::Code(0);
        let took_ms = u64::try_from(build.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.parts.log.push(AgentEvent::BuildFinished {
            revision: build.revision,
            ok,
            took_ms,
            exit,
        });
        if ok {
            self.keep_built(build.digest);
            self.restart();
        } else {
            self.failed = build.digest;
        }
    }

    /// Ends a build whose content is about to change. It gets no `BuildFinished`; the next `BuildStarted` follows it.
    pub(super) async fn cancel_build(&mut self) {
        if let Some(mut build) = self.build.take() {
            stop(&mut build.group, CANCEL_GRACE).await;
        }
    }

    fn keep_built(&mut self, digest: Option<String>) {
        if let Err(error) = self.parts.saved.keep_built(digest.as_deref()) {
            // The next start of the agent builds once more than it has to.
            tracing::warn!(%error, "the built state was not saved");
        }
        self.built = digest;
    }
}
