//! Reaps orphans: as the first process of its container the agent inherits what others leave behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Signal, child_subreaper};
use tokio::signal::unix::{SignalKind, signal};

use crate::processes::{self, Process};

/// Our own children, which are waited for where they were started. The reaper leaves them alone.
#[derive(Debug, Clone, Default)]
pub struct Children {
    pids: Arc<Mutex<BTreeSet<u32>>>,
}

// === impl Children ===

impl Children {
    /// Runs `start` so that the reaper cannot take the child before it is known.
    ///
    /// # Errors
    /// What `start` says.
    pub fn start<T>(
        &self,
        start: impl FnOnce() -> std::io::Result<T>,
        pid: impl FnOnce(&T) -> Option<u32>,
    ) -> std::io::Result<T> {
        let mut pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        let child = start()?;
        pids.extend(pid(&child));
        Ok(child)
    }

    /// The child was waited for.
    pub fn forget(&self, pid: u32) {
        self.pids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&pid);
    }

    /// Our children that were not started here: what lost its parent came to us.
    #[must_use]
    pub fn orphans(&self) -> Vec<Process> {
        // Held while looking: a child that is being started must not be taken for an orphan.
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        let own = std::process::id();
        let inherited = |process: &Process| process.parent == own && !pids.contains(&process.pid);
        processes::all().into_iter().filter(inherited).collect()
    }

    /// Sends `signal` to the orphans and to all below them: processes that left their group and lost their parent.
    /// Returns whether there was any.
    pub fn signal_orphans(&self, signal: Signal) -> bool {
        let heads = self.orphans();
        let below = processes::below(
            &processes::all(),
            &heads.iter().map(|process| process.pid).collect(),
        );
        let running = heads.iter().chain(&below).filter(|process| !process.is_zombie());
        let mut found = false;
        for process in running {
            found = true;
            process.signal(signal);
        }
        found
    }

    /// Reaps what has ended and is not ours.
    fn reap(&self) {
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        for orphan in zombies_of(std::process::id()).filter(|process| !pids.contains(&process.pid)) {
            orphan.reap();
        }
    }
}

/// The children of `parent` that have ended and not been waited for. waitid(2) would show only one at a time,
/// and one of ours could hide the others.
fn zombies_of(parent: u32) -> impl Iterator<Item = Process> {
    let ended = move |process: &Process| process.is_zombie() && process.parent == parent;
    processes::all().into_iter().filter(ended)
}

/// Whether what loses its parent comes to us: as the first process of a namespace (pid_namespaces(7)),
/// or as a subreaper (PR_SET_CHILD_SUBREAPER).
fn inherits_orphans() -> bool {
    std::process::id() == 1 || child_subreaper().is_ok_and(|set| set.is_some())
}

/// Reaps until it is dropped. Does nothing where orphans do not become our children.
///
/// # Errors
/// If the signal cannot be watched.
pub async fn reap_orphans(children: Children) -> std::io::Result<()> {
    if !inherits_orphans() {
        return std::future::pending().await;
    }
    let mut ended = signal(SignalKind::child())?;
    loop {
        children.reap();
        ended.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_zombie_of_ours_is_seen_and_left_alone() {
        let children = Children::default();
        let mut child = children
            .start(
                || std::process::Command::new("true").spawn(),
                |child| Some(child.id()),
            )
            .unwrap();
        let pid = child.id();
        tokio::time::timeout(std::time::Duration::from_secs(10), async {
            while !zombies_of(std::process::id()).any(|zombie| zombie.pid == pid) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert!(children.pids.lock().unwrap().contains(&pid));
        assert!(child.wait().unwrap().success());
    }
}
