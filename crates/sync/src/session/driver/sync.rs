//! From a change to its commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{Cut, Driver, End, chain};
use crate::diff::{Batch, diff};
use crate::manifest::Manifest;
use crate::protocol::{Committed, Numbered, Problem};
use crate::scan::ScanError;
use crate::send::{Moved, Progress, SendError};
use crate::session::folders::Looked;
use crate::session::link::{Link, LinkError};
use crate::session::{Build, Revision, SessionEvent, here, outgoing};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Git's own lock is waited for this long: a branch switch goes as one batch.
const GIT_PATIENCE: Duration = Duration::from_secs(30);
const GIT_LOOK: Duration = Duration::from_millis(5);
/// A batch that did not fit is made anew at most so often.
const ATTEMPTS: usize = 5;
/// Revisions whose time is remembered.
const REMEMBERED: usize = 64;
/// While a root is gone, it is looked for this often.
const GONE_LOOK: Duration = Duration::from_secs(1);

/// Why a batch was not committed and may be made anew.
enum Again {
    Base,
    Torn,
}

// === impl Driver ===

impl Driver {
    /// Looks at what has changed and sends it.
    pub(super) async fn settle(
        &mut self,
        link: &mut Link,
        events: &mut mpsc::Receiver<Numbered>,
    ) -> Result<(), Cut> {
        let since = self
            .folders
            .as_ref()
            .and_then(|folders| folders.watch.since())
            .unwrap_or_else(Instant::now);
        self.wait_for_git().await;
        match self.look().await? {
            Ok(looked) if looked.inputs_changed => self.build_here().await?,
            Ok(_) => {}
            Err(error) => return self.halt(chain(&error)).await,
        }
        self.send_difference(link, events, since).await
    }

    /// Reads what has changed. What could not be read stays due.
    pub(super) async fn look(&mut self) -> Result<Result<Looked, ScanError>, End> {
        let Some(mut folders) = self.folders.take() else {
            return Ok(Ok(Looked::default()));
        };
        let dirty = folders.watch.take();
        let looking = tokio::task::spawn_blocking(move || {
            let looked = folders.look(&dirty);
            if looked.is_err() {
                folders.watch.put_back(dirty);
            }
            let here = folders.manifest();
            let root = here.root();
            (folders, looked, here, root)
        });
        let (folders, looked, here, root) = match looking.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        self.folders = Some(folders);
        if let Ok(looked) = &looked {
            (self.here, self.here_root) = (here, root);
            for message in looked.warnings.clone() {
                self.tell(SessionEvent::Warning { message }).await?;
            }
        }
        Ok(looked)
    }

    /// Sends what differs, as often as it takes until a batch fits. Tells when both ends are equal.
    pub(super) async fn send_difference(
        &mut self,
        link: &mut Link,
        events: &mut mpsc::Receiver<Numbered>,
        since: Instant,
    ) -> Result<(), Cut> {
        for _ in 0..ATTEMPTS {
            let batch = match diff(&self.here, &self.there) {
                Ok(batch) => Arc::new(batch),
                Err(halt) => return self.halt(halt.to_string()).await,
            };
            self.is_halted = false;
            if batch.is_empty() {
                return Ok(self.tell_if_equal().await?);
            }
            match self.send(link, events, &batch, since).await? {
                Ok(()) => return Ok(()),
                Err(Again::Base) => self.fetch(link).await?,
                Err(Again::Torn) => {
                    if let Err(error) = self.look().await? {
                        return self.halt(chain(&error)).await;
                    }
                }
            }
        }
        let message = "files change faster than they can be sent; the next change tries again".to_owned();
        Ok(self.tell(SessionEvent::Warning { message }).await?)
    }

    async fn send(
        &mut self,
        link: &mut Link,
        events: &mut mpsc::Receiver<Numbered>,
        batch: &Arc<Batch>,
        since: Instant,
    ) -> Result<Result<(), Again>, Cut> {
        let progress = Arc::new(Progress::default());
        let places = self
            .folders
            .as_ref()
            .map(|folders| folders.places())
            .unwrap_or_default();
        let started = outgoing::start(
            Arc::clone(batch),
            self.there_root.clone(),
            places,
            Arc::clone(&progress),
        )
        .await;
        let (out, writing, mut moved) = match started {
            Ok(started) => started,
            Err(error) => return self.after_torn(&error).await.map(Err),
        };
        let answer = self
            .while_sending(link.batch(out), events, batch, &progress)
            .await?;
        if let Some(writing) = writing {
            match writing.await {
                Ok(Ok(late)) => moved = late,
                Ok(Err(error @ (SendError::Torn(_) | SendError::Read { .. }))) => {
                    return self.after_torn(&error).await.map(Err);
                }
                // The answer says why the stream broke.
                Ok(Err(SendError::Write(_))) => {}
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        match answer {
            Ok(committed) => self.committed(batch, moved, committed, since).await.map(Ok),
            Err(LinkError::Problem(Problem::Base { .. })) => Ok(Err(Again::Base)),
            Err(LinkError::Problem(Problem::Torn { .. })) => {
                for (place, _) in &batch.puts {
                    self.look_again_at(place);
                }
                Ok(Err(Again::Torn))
            }
            Err(error) => self.or_cut(Err(error)).await,
        }
    }

    /// Waits for the answer, and goes on telling what the agent says.
    async fn while_sending(
        &mut self,
        sending: impl Future<Output = Result<Committed, LinkError>>,
        events: &mut mpsc::Receiver<Numbered>,
        batch: &Batch,
        progress: &Progress,
    ) -> Result<Result<Committed, LinkError>, Cut> {
        tokio::pin!(sending);
        let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
        loop {
            tokio::select! {
                answer = &mut sending => return Ok(answer),
                Some(event) = events.recv() => self.relay(event).await?,
                _ = tick.tick() => self.tell(SessionEvent::SyncProgress {
                    files_done: progress.files.load(Ordering::Relaxed),
                    files: batch.puts.len() as u64,
                    bytes_done: progress.bytes.load(Ordering::Relaxed),
                    bytes: batch.bytes(),
                }).await?,
            }
        }
    }

    async fn committed(
        &mut self,
        batch: &Batch,
        moved: Moved,
        committed: Committed,
        since: Instant,
    ) -> Result<(), Cut> {
        let Committed {
            revision,
            root,
            refused,
        } = committed;
        apply_here(&mut self.there, batch);
        for (place, found) in moved {
            if let Some(tree) = self.there.roots.get_mut(&place.to) {
                match found {
                    Some(entry) => drop(tree.insert(place.path.clone(), entry)),
                    None => drop(tree.remove(&place.path)),
                }
            }
            self.look_again_at(&place);
        }
        for refused in &refused {
            if let Some(tree) = self.there.roots.get_mut(&refused.place.to) {
                tree.remove(&refused.place.path);
            }
            let message = format!("{} is not synced: {}", refused.place, refused.reason);
            self.tell(SessionEvent::Warning { message }).await?;
        }
        self.remember(revision, since);
        self.tell(SessionEvent::Synced {
            revision,
            files: batch.puts.len() as u64,
            deleted: batch.deletes.len() as u64,
            bytes: batch.bytes(),
            took: since.elapsed(),
        })
        .await?;
        (self.revision, self.there_root) = (revision, root);
        Ok(self.tell_if_equal().await?)
    }

    fn remember(&mut self, revision: Revision, since: Instant) {
        self.saved.insert(revision, since);
        while self.saved.len() > REMEMBERED {
            self.saved.pop_first();
        }
    }

    async fn after_torn(&mut self, error: &SendError) -> Result<Again, Cut> {
        tracing::debug!(%error, "a file changed while it was sent");
        if let Some(folders) = &self.folders {
            folders.watch.distrust();
        }
        Ok(Again::Torn)
    }

    fn look_again_at(&mut self, place: &crate::diff::Place) {
        if let Some(folders) = &mut self.folders {
            folders.distrust(place);
            folders.watch.distrust();
        }
    }

    async fn build_here(&mut self) -> Result<(), Cut> {
        if let Some(Build::Here { command, dir, .. }) = &self.config.program.build
            && here::build(command, dir, &self.events).await
        {
            // The artefact's events may still be on their way.
            if let Some(folders) = &self.folders {
                folders.watch.distrust();
            }
            if let Err(error) = self.look().await? {
                return self.halt(chain(&error)).await;
            }
        }
        Ok(())
    }

    /// Says once that nothing is sent, and looks again after a while.
    async fn halt(&mut self, reason: String) -> Result<(), Cut> {
        if !self.is_halted {
            self.is_halted = true;
            self.tell(SessionEvent::Halted { reason }).await?;
        }
        tokio::time::sleep(GONE_LOOK).await;
        if let Some(folders) = &mut self.folders {
            // A root that comes back is another folder, which the old watches do not see.
            folders.watch.clear();
            folders.watch.distrust();
        }
        Ok(())
    }

    async fn wait_for_git(&self) {
        let Some(folders) = self.folders.as_ref().filter(|folders| folders.watch.is_storm()) else {
            return;
        };
        let waited = tokio::time::timeout(GIT_PATIENCE, async {
            let mut look = tokio::time::interval(GIT_LOOK);
            while folders.git_is_at_work() {
                look.tick().await;
            }
        });
        if waited.await.is_err() {
            tracing::debug!("git's lock has been there for long; syncing goes on");
        }
    }
}

fn apply_here(there: &mut Manifest, batch: &Batch) {
    for place in &batch.deletes {
        if let Some(tree) = there.roots.get_mut(&place.to) {
            tree.remove(&place.path);
        }
    }
    for (place, entry) in &batch.puts {
        there
            .roots
            .entry(place.to.clone())
            .or_default()
            .insert(place.path.clone(), entry.clone());
    }
}
