//! Watches folders one by one, so that ignored ones cost nothing, and falls back to looking now and then.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::quiet::Dirty;

/// How often everything is looked at when not everything can be watched.
const POLL: Duration = Duration::from_secs(2);

/// A watch over a changing set of folders.
#[derive(Debug)]
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    shared: Arc<Shared>,
    is_polling: bool,
}

#[derive(Debug, Default)]
struct Shared {
    dirty: Mutex<Dirty>,
    changed: Notify,
}

// === impl Watch ===

impl Watch {
    /// A watch over nothing yet.
    pub(super) fn new() -> Self {
        let shared = Arc::<Shared>::default();
        let inner = Arc::clone(&shared);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            {
                let mut dirty = inner.lock();
                match event {
                    Ok(event) => dirty.note(&event, Instant::now()),
                    Err(_) => dirty.note_loss(Instant::now()),
                }
            }
            inner.changed.notify_one();
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "folders cannot be watched"))
            .ok();
        Self {
            is_polling: watcher.is_none(),
            watcher,
            watched: BTreeSet::new(),
            shared,
        }
    }

    /// Makes `folders` the watched set. Returns the folders that are new to it: what happened in them before is unknown.
    /// The text is a warning, given once, if from now on some are only looked at now and then.
    pub(super) fn set(&mut self, folders: &BTreeSet<PathBuf>) -> (Vec<PathBuf>, Option<String>) {
        let Some(watcher) = &mut self.watcher else {
            return (Vec::new(), None);
        };
        let mut warning = None;
        for gone in self.watched.difference(folders) {
            // The system has dropped the watch of a removed folder by itself.
            let _ = watcher.unwatch(gone);
        }
        self.watched.retain(|folder| folders.contains(folder));
        let mut fresh = Vec::new();
        for folder in folders.difference(&self.watched) {
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => fresh.push(folder.clone()),
                Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => {}
                Err(error) if !self.is_polling => {
                    self.is_polling = true;
                    warning = Some(format!(
                        "not every folder can be watched ({error}); changes are looked for every {} s. \
                         On Linux a higher fs.inotify.max_user_watches helps",
                        POLL.as_secs()
                    ));
                }
                Err(_) => {}
            }
        }
        self.watched.extend(fresh.iter().cloned());
        (fresh, warning)
    }

    /// Forgets every watch, for a root that was replaced.
    pub(super) fn clear(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for folder in std::mem::take(&mut self.watched) {
                let _ = watcher.unwatch(&folder);
            }
        }
    }

    /// Waits until changes are due to be looked at. Cancel safe.
    pub(super) async fn due(&self) {
        loop {
            let due = self.shared.lock().due();
            let poll = async {
                if self.is_polling {
                    tokio::time::sleep(POLL).await;
                    self.shared.lock().note_loss(Instant::now());
                } else {
                    std::future::pending::<()>().await;
                }
            };
            match due {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due.into()) => {}
                    () = self.shared.changed.notified() => {}
                },
                None => tokio::select! {
                    () = self.shared.changed.notified() => {}
                    () = poll => {}
                },
            }
        }
    }

    /// Takes what has changed.
    pub(super) fn take(&self) -> Dirty {
        std::mem::take(&mut *self.shared.lock())
    }

    /// Nothing has changed since it was last taken.
    pub(super) fn is_quiet(&self) -> bool {
        self.shared.lock().due().is_none()
    }

    /// When the first of what has changed happened.
    pub(super) fn since(&self) -> Option<Instant> {
        self.shared.lock().since()
    }

    /// More than one path has changed.
    pub(super) fn is_storm(&self) -> bool {
        let dirty = self.shared.lock();
        dirty.everything || dirty.paths.len() > 1
    }

    /// Puts back what could not be worked off.
    pub(super) fn put_back(&self, dirty: Dirty) {
        self.shared.lock().put_back(dirty);
        self.shared.changed.notify_one();
    }

    /// Looks at everything at the next turn.
    pub(super) fn distrust(&self) {
        self.shared.lock().note_loss(Instant::now());
        self.shared.changed.notify_one();
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Dirty> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
