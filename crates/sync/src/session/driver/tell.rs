//! Turns what the agent says into what the session tells.

use std::time::{Duration, Instant};

use super::{Cut, Driver, End};
use crate::protocol::{AgentEvent, Numbered};
use crate::session::SessionEvent;

// === impl Driver ===

impl Driver {
    /// Tells an event of the agent.
    pub(super) async fn relay(&mut self, numbered: Numbered) -> Result<(), Cut> {
        let Numbered { number, event } = numbered;
        if let Some((_, heard)) = &mut self.heard {
            *heard = number.max(*heard);
        }
        let ms = Duration::from_millis;
        let told = match event {
            AgentEvent::BuildStarted { revision } => SessionEvent::BuildStarted {
                revision: Some(revision),
            },
            AgentEvent::BuildOutput { line } => SessionEvent::BuildOutput { line },
            AgentEvent::BuildFinished {
                revision,
                ok,
                took_ms,
                exit,
            } => SessionEvent::BuildFinished {
                revision: Some(revision),
                ok,
                took: ms(took_ms),
                exit,
            },
            AgentEvent::ProgramStarting { revision } => SessionEvent::ProgramStarting { revision },
            AgentEvent::Output { stream, line } => SessionEvent::Output { stream, line },
            AgentEvent::Live { revision, took_ms } => SessionEvent::Live {
                revision,
                took_since_save: self.saved.get(&revision).map(Instant::elapsed),
                took_restart: ms(took_ms),
            },
            AgentEvent::Exited {
                exit,
                last_lines,
                crash_loop,
            } => SessionEvent::Exited {
                exit,
                last_lines,
                crash_loop,
            },
            AgentEvent::TakenOver { by } => {
                self.tell(SessionEvent::TakenOver { by }).await?;
                return Err(Cut::End(End::Told));
            }
            AgentEvent::Warning { message } => SessionEvent::Warning { message },
            AgentEvent::Lost { events } => SessionEvent::Warning {
                message: format!("{events} lines of the copy were not kept"),
            },
            AgentEvent::Unknown => return Ok(()),
        };
        Ok(self.tell(told).await?)
    }
}
