//! Reaps orphans: as the first process of its container the agent inherits what others leave behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

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

    /// Reaps what has ended and is not ours.
    fn reap(&self) {
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        for orphan in zombies_of(std::process::id()).filter(|pid| !pids.contains(pid)) {
            let pid = i32::try_from(orphan).ok().and_then(Pid::from_raw);
            if let Err(error) = waitpid(pid, WaitOptions::NOHANG) {
                tracing::debug!(orphan, %error, "an orphan was not reaped");
            }
        }
    }
}

/// The children of `parent` that have ended and not been waited for. waitid(2) would show only one at a time,
/// and one of ours could hide the others.
fn zombies_of(parent: u32) -> impl Iterator<Item = u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        (state_and_parent(&stat)? == ("Z", parent)).then_some(pid)
    })
}

/// The state and the parent in `/proc/<pid>/stat` (proc_pid_stat(5)); the name before them may hold anything.
fn state_and_parent(stat: &str) -> Option<(&str, u32)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?, fields.next()?.parse().ok()?))
}

/// Reaps until it is dropped. Does nothing unless this is the first process of its namespace,
/// where orphans become its children (pid_namespaces(7)).
///
/// # Errors
/// If the signal cannot be watched.
pub async fn reap_orphans(children: Children) -> std::io::Result<()> {
    if std::process::id() != 1 {
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

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        assert_eq!(state_and_parent("12 (a) b) Z 1 12 12"), Some(("Z", 1)));
        assert_eq!(state_and_parent("12 (sh"), None);
    }

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
            while !zombies_of(std::process::id()).any(|zombie| zombie == pid) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert!(children.pids.lock().unwrap().contains(&pid));
        assert!(child.wait().unwrap().success());
    }
}
