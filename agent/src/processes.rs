//! What runs on this machine, read from `/proc` (proc_pid_stat(5)).

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// One letter; `Z` has ended and was not waited for.
    pub state: char,
    /// Its parent.
    pub parent: u32,
    /// Its session.
    pub session: u32,
    /// When it was started, in ticks since the boot. With the number it names one process for good.
    pub started: u64,
}

/// All processes that can be seen.
#[must_use]
pub fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// The process `pid`, if it is there.
#[must_use]
pub fn of(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &stat)
}

/// Those of `all` that descend from one of `roots`, the roots not counted.
#[must_use]
pub fn below(all: &[Process], roots: &BTreeSet<u32>) -> Vec<Process> {
    let mut inside = roots.clone();
    let mut found: Vec<Process> = Vec::new();
    // Each round finds one more generation.
    loop {
        let more: Vec<Process> = all
            .iter()
            .filter(|process| inside.contains(&process.parent) && !inside.contains(&process.pid))
            .copied()
            .collect();
        if more.is_empty() {
            return found;
        }
        inside.extend(more.iter().map(|process| process.pid));
        found.extend(more);
    }
}

/// The name before the fields may hold anything, brackets too.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Process {
        pid,
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

// === impl Process ===

impl Process {
    /// It has ended and was not waited for.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }

    /// Sends it `signal`. One that has ended meanwhile is what the caller wants.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.id()
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(pid = self.pid, %error, "a process was not signalled");
        }
    }

    /// Takes the exit status of one that has ended, which must be a child of ours that nobody else waits for.
    pub fn reap(&self) {
        if let Err(error) = waitpid(self.id(), WaitOptions::NOHANG) {
            tracing::debug!(pid = self.pid, %error, "an orphan was not reaped");
        }
    }

    fn id(&self) -> Option<Pid> {
        Pid::from_raw(self.pid.try_into().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let stat = "12 (a) b) Z 1 11 10 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0";
        let process = parse(12, stat).unwrap();
        assert!(process.is_zombie());
        assert_eq!((process.parent, process.session, process.started), (1, 10, 777));
        assert_eq!(parse(12, "12 (sh"), None);
    }

    #[test]
    fn generations_are_followed() {
        let process = |pid, parent| Process {
            pid,
            state: 'S',
            parent,
            session: 1,
            started: 0,
        };
        let all = [process(4, 3), process(3, 2), process(2, 1), process(9, 8)];
        let found: Vec<u32> = below(&all, &[2].into()).iter().map(|one| one.pid).collect();
        assert_eq!(found, [3, 4]);
    }

    #[test]
    fn this_process_is_seen() {
        let own = std::process::id();
        assert!(all().iter().any(|process| process.pid == own));
        assert_eq!(of(own).unwrap().pid, own);
    }
}
