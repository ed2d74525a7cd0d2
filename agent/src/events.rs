//! What happened in the copy, kept for a client that is away for a while.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use devspace_sync::protocol::{AgentEvent, Numbered};
use tokio::sync::Notify;

/// Events that are kept; older ones are dropped, and a reader is told how many.
const KEPT: usize = 4096;

/// A bounded log with one writer side and any number of readers.
#[derive(Debug, Default)]
pub struct EventLog {
    ring: Mutex<Ring>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Numbered>,
    newest: u64,
}

// === impl EventLog ===

impl EventLog {
    /// Adds an event.
    pub fn push(&self, event: AgentEvent) {
        {
            let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.newest += 1;
            let number = ring.newest;
            ring.events.push_back(Numbered { number, event });
            if ring.events.len() > KEPT {
                ring.events.pop_front();
            }
        }
        self.grown.notify_waiters();
    }

    /// The number of the newest event.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).newest
    }

    /// How the program last ended by itself, if it did and it is not too long ago.
    #[must_use]
    pub fn last_exit(&self) -> Option<AgentEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let exits = |event: &&Numbered| matches!(event.event, AgentEvent::Exited { .. });
        ring.events
            .iter()
            .rev()
            .find(exits)
            .map(|event| event.event.clone())
    }

    /// Waits for events after `number` and returns them, with [`AgentEvent::Lost`] first if some were dropped.
    /// Cancel safe.
    pub async fn after(&self, number: u64) -> Vec<Numbered> {
        loop {
            let grown = self.grown.notified();
            tokio::pin!(grown);
            // Enlisted before the look, so that what is pushed in between wakes us.
            grown.as_mut().enable();
            let found = self.take_after(number);
            if !found.is_empty() {
                return found;
            }
            grown.await;
        }
    }

    fn take_after(&self, number: u64) -> Vec<Numbered> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = ring.events.front().map_or(0, |first| first.number);
        let missed = oldest.saturating_sub(number + 1);
        let lost = (missed > 0).then(|| Numbered {
            number: oldest.saturating_sub(1),
            event: AgentEvent::Lost { events: missed },
        });
        lost.into_iter()
            .chain(ring.events.iter().filter(|event| event.number > number).cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> AgentEvent {
        AgentEvent::BuildOutput {
            line: text.to_owned(),
        }
    }

    #[tokio::test]
    async fn a_reader_gets_what_came_after_and_is_told_what_it_missed() {
        let log = EventLog::default();
        log.push(line("a"));
        log.push(line("b"));
        assert_eq!(
            log.after(1)
                .await
                .iter()
                .map(|event| event.number)
                .collect::<Vec<_>>(),
            [2]
        );
        for _ in 0..KEPT {
            log.push(line("c"));
        }
        let late = log.after(1).await;
        assert_eq!(late[0].event, AgentEvent::Lost { events: 1 });
        assert_eq!(late.len(), KEPT + 1);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let log = EventLog::default();
        let (got, ()) = tokio::join!(log.after(0), async { log.push(line("x")) });
        assert_eq!(got.len(), 1);
    }
}
