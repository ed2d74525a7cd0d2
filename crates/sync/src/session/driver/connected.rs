//! One connection, from `hello` to its end.

use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Cut, Driver, End, chain};
use crate::protocol::{HEARTBEAT_EVERY, Heartbeat, Hello, Numbered, Problem, State, VERSIONS};
use crate::session::link::{Link, LinkError};
use crate::session::{Command, CommandError, Proof, SessionEvent};

/// Every so many heartbeats the agent looks at its disk.
const LOOK_EVERY: u32 = 3;
/// Differing paths that a proof names.
const NAMED: usize = 100;

// === impl Driver ===

impl Driver {
    pub(super) async fn stay_connected(
        &mut self,
        mut link: Link,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Cut {
        match self.connected(&mut link, commands).await {
            Ok(never) => match never {},
            Err(cut) => cut,
        }
    }

    async fn connected(
        &mut self,
        link: &mut Link,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<std::convert::Infallible, Cut> {
        let began = Instant::now();
        let state = self.greet(link).await?;
        let after = self.heard.as_ref().map_or(0, |(_, number)| *number);
        let events = link.events(after).await;
        let mut events = self.or_cut(events).await?;
        self.catch_up(link, &mut events, state, began).await?;
        let mut heartbeat =
            tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = 0;
        loop {
            let due = async {
                match &self.folders {
                    Some(folders) => folders.watch.due().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.relay(event).await?,
                    None => return Err(Cut::Broken("the connection to the copy was lost".to_owned())),
                },
                () = due => self.settle(link, &mut events).await?,
                Some(command) = commands.recv() => self.obey(link, command).await?,
                _ = heartbeat.tick() => {
                    beats += 1;
                    self.beat(link, beats % LOOK_EVERY == 0).await?;
                }
            }
        }
    }

    /// Says hello and tells that the connection stands.
    async fn greet(&mut self, link: &mut Link) -> Result<State, Cut> {
        let hello = Hello {
            versions: VERSIONS.to_vec(),
            client: self.config.client.clone(),
            resume: self.was_connected,
            config: self.run_config.clone(),
            root: self.here_root.clone(),
        };
        let welcome = link.hello(&hello).await;
        let welcome = self.or_cut(welcome).await?;
        let number = match &self.heard {
            Some((instance, number)) if *instance == welcome.instance => *number,
            // Another agent: all that it did since it started is news.
            Some(_) => 0,
            None => welcome.newest_event,
        };
        self.heard = Some((welcome.instance, number));
        if let Some(cut_at) = self.cut_at.take() {
            self.tell(SessionEvent::Reconnected {
                took: cut_at.elapsed(),
            })
            .await?;
        } else if !self.was_connected {
            let resumed = welcome.state.revision.0 > 0;
            self.tell(SessionEvent::Connected {
                agent_version: welcome.agent_version,
                resumed,
            })
            .await?;
        }
        self.was_connected = true;
        Ok(welcome.state)
    }

    /// Makes the copy equal after `hello`; one round trip was enough if it is.
    async fn catch_up(
        &mut self,
        link: &mut Link,
        events: &mut mpsc::Receiver<Numbered>,
        state: State,
        since: Instant,
    ) -> Result<(), Cut> {
        self.tell_changes(&state).await?;
        self.revision = state.revision;
        // After a cut it is told again: the copy may be another one.
        self.told = None;
        if state.root == self.here_root {
            self.there.clone_from(&self.here);
            self.there_root = state.root;
            return Ok(self.tell_if_equal().await?);
        }
        self.fetch(link).await?;
        self.send_difference(link, events, since).await
    }

    async fn beat(&mut self, link: &mut Link, look: bool) -> Result<(), Cut> {
        let heartbeat = Heartbeat {
            root: self.here_root.clone(),
            look,
        };
        let state = link.heartbeat(&heartbeat).await;
        let state = self.or_cut(state).await?;
        self.tell_changes(&state).await?;
        if !state.changed_there.is_empty() {
            self.fetch(link).await?;
        }
        Ok(())
    }

    /// Asks what the copy holds.
    pub(super) async fn fetch(&mut self, link: &mut Link) -> Result<(), Cut> {
        let manifest = link.manifest().await;
        self.there = self.or_cut(manifest).await?;
        self.there_root = self.there.root();
        Ok(())
    }

    /// Tells that both ends are equal, once for each content.
    pub(super) async fn tell_if_equal(&mut self) -> Result<(), End> {
        let is_quiet = self
            .folders
            .as_ref()
            .is_some_and(|folders| folders.watch.is_quiet());
        if self.here_root != self.there_root || !is_quiet || self.told.as_ref() == Some(&self.here_root) {
            return Ok(());
        }
        self.told = Some(self.here_root.clone());
        self.tell(SessionEvent::InSync {
            revision: self.revision,
            root: self.here_root.clone(),
        })
        .await
    }

    async fn tell_changes(&self, state: &State) -> Result<(), End> {
        if state.changed_there.is_empty() {
            return Ok(());
        }
        let named: Vec<&str> = state.changed_there.iter().take(5).map(String::as_str).collect();
        let message = format!(
            "{} synced paths were changed in the copy ({}); the folder's content replaces them with the next batch",
            state.changed_there.len(),
            named.join(", ")
        );
        self.tell(SessionEvent::Warning { message }).await
    }

    async fn obey(&mut self, link: &mut Link, command: Command) -> Result<(), Cut> {
        let as_refused = |error: &LinkError| CommandError::Refused(chain(error));
        match command {
            Command::Restart(answer) => {
                let done = link.restart().await;
                // The asker may be gone.
                let _ = answer.send(done.as_ref().copied().map_err(as_refused));
                self.or_cut(done).await
            }
            Command::Verify(answer) => {
                let proof = self.prove(link).await;
                let _ = answer.send(proof);
                Ok(())
            }
        }
    }

    /// Reads both sides from disk.
    async fn prove(&mut self, link: &mut Link) -> Result<Proof, CommandError> {
        let refused = |error: LinkError| CommandError::Refused(chain(&error));
        let state = link.verify().await.map_err(refused)?;
        let there = link.manifest().await.map_err(refused)?;
        let here = self
            .read_all()
            .await
            .map_err(|error| CommandError::Scan(chain(&error)))?;
        let differing = match crate::diff::diff(&here, &there) {
            Ok(batch) => batch.places().take(NAMED).map(ToString::to_string).collect(),
            Err(halt) => vec![halt.to_string()],
        };
        self.there = there;
        self.there_root = state.root.clone();
        Ok(Proof {
            revision: state.revision,
            here: here.root(),
            there: state.root,
            entries: here.len() as u64,
            differing,
        })
    }

    /// A failed request cuts the connection, and ends the session if another has the copy.
    pub(super) async fn or_cut<T>(&self, result: Result<T, LinkError>) -> Result<T, Cut> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let reason = match error {
            LinkError::Problem(Problem::TakenOver { by }) => {
                self.tell(SessionEvent::TakenOver { by }).await?;
                return Err(Cut::End(End::Told));
            }
            LinkError::Problem(Problem::Versions { agent }) => {
                format!("the agent speaks protocol versions {agent:?}, this program {VERSIONS:?}")
            }
            LinkError::Problem(Problem::Refused { message }) => message,
            LinkError::Problem(Problem::Failed { message } | Problem::Torn { message }) => {
                return Err(Cut::Broken(message));
            }
            error => return Err(Cut::Broken(chain(&error))),
        };
        self.tell(SessionEvent::Halted { reason }).await?;
        Err(Cut::End(End::Told))
    }

    async fn read_all(&mut self) -> Result<crate::manifest::Manifest, crate::scan::ScanError> {
        let Some(folders) = self.folders.take() else {
            return Ok(self.here.clone());
        };
        let reading = tokio::task::spawn_blocking(move || {
            let read = folders.read_all();
            (folders, read)
        });
        match reading.await {
            Ok((folders, read)) => {
                self.folders = Some(folders);
                read
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
