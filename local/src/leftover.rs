//! Which processes a daemon started, kept in files, so that the next one ends what a killed one left.

use std::path::Path;
use std::time::Duration;

use devspace_agent::processes;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval};

use crate::{files, strays};

/// How long an agent whose daemon is gone may take to stop its program: it began when the daemon ended.
const PATIENCE: Duration = Duration::from_secs(8);

/// An agent's process. The start time tells it from a later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    pid: u32,
    started: u64,
}

/// Remembers the process `pid` under `id`. Returns when it was started.
pub(crate) fn note(folder: &Path, id: &str, pid: u32) -> u64 {
    let started = processes::of(pid).map_or(0, |process| process.started);
    let written = files::write_json(&folder.join(format!("{id}.json")), &Record { pid, started });
    if let Err(error) = written {
        tracing::warn!(%error, pid, "a process is not remembered; should the daemon be killed, it ends by itself");
    }
    started
}

/// The process under `id` has ended.
pub(crate) fn forget(folder: &Path, id: &str) {
    files::remove(&folder.join(format!("{id}.json")));
}

/// Ends what an earlier daemon left: waits for agents that end by themselves, then kills.
pub(crate) async fn end_all(folder: &Path) {
    let until = Instant::now() + PATIENCE;
    for file in files::entries(folder) {
        if let Some(record) = files::read_json::<Record>(&file) {
            end(record, until).await;
        }
        files::remove(&file);
    }
}

async fn end(record: Record, until: Instant) {
    let mut look = interval(Duration::from_millis(10));
    while let Some(process) =
        processes::of(record.pid).filter(|process| process.started == record.started && !process.is_zombie())
    {
        if Instant::now() > until {
            tracing::warn!(pid = record.pid, "an agent of an earlier daemon is killed");
            process.signal(Signal::KILL);
            break;
        }
        look.tick().await;
    }
    strays::end_session(record.pid, record.started).await;
}
