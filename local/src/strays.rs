//! Processes that lost their agent. The daemon is the subreaper of all it starts, so they come to it.

use std::time::Duration;

use devspace_agent::processes::{self, Process};
use devspace_agent::reap::Children;
use rustix::process::{Signal, getpid, set_child_subreaper};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, interval};

/// How long processes may take to be gone after SIGKILL.
const KILL_WAIT: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// From now on what loses its parent comes to us.
pub(crate) fn inherit() -> std::io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Ends and reaps what comes to us, until it is dropped.
pub(crate) async fn tend(children: Children) -> std::io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    loop {
        end_once(&children);
        ended.recv().await;
    }
}

/// Ends all that came to us, and waits until it is gone. Returns what could not be ended.
pub(crate) async fn end_all(children: &Children) -> Vec<u32> {
    let until = Instant::now() + KILL_WAIT;
    let mut look = interval(LOOK);
    loop {
        let left = end_once(children);
        if left.is_empty() || Instant::now() > until {
            return left;
        }
        look.tick().await;
    }
}

/// Kills what runs, reaps what has ended. Returns what runs.
fn end_once(children: &Children) -> Vec<u32> {
    // An agent leads a session of its own, so what it leaves is in another than ours. What we start otherwise (a build
    // on this machine) stays in ours and is waited for where it was started.
    let own = processes::of(std::process::id()).map(|process| process.session);
    let orphans = children.orphans().into_iter();
    let foreign = orphans.filter(|process| Some(process.session) != own);
    let mut running = Vec::new();
    for process in foreign {
        if process.is_zombie() {
            process.reap();
        } else {
            process.signal(Signal::KILL);
            running.push(process.pid);
        }
    }
    running
}

/// Kills every process of the session that `leader` led, and waits until they are gone. `since` is when the leader
/// was started: a session whose number was used again is younger, or its leader is another.
pub(crate) async fn end_session(leader: u32, since: u64) {
    let until = Instant::now() + KILL_WAIT;
    let mut look = interval(LOOK);
    loop {
        let members = session(leader, since);
        if members.is_empty() || Instant::now() > until {
            return;
        }
        for process in members {
            process.signal(Signal::KILL);
        }
        look.tick().await;
    }
}

fn session(leader: u32, since: u64) -> Vec<Process> {
    let all = processes::all();
    let reused = all
        .iter()
        .any(|process| process.pid == leader && process.started != since);
    let member =
        |process: &Process| process.session == leader && process.started >= since && !process.is_zombie();
    if reused {
        return Vec::new();
    }
    all.into_iter().filter(member).collect()
}
