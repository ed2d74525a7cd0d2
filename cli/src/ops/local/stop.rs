//! `devspace local stop`.

use std::path::Path;
use std::time::Duration;

use devspace_local::protocol::{Daemon, SOCKET};
use tokio::time::Instant;

use super::LocalError;
use crate::engine::EngineError;
use crate::engine::local::{Client, ask_to_stop, get};

/// Between looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Asks the daemon of `state` to stop with all that it runs, and waits until it is gone. A daemon of another version of
/// this program is stopped too. `None` if none runs.
///
/// # Errors
/// [`LocalError::Stays`], if it is not gone in time.
pub(crate) async fn stop(state: &Path, timeout: Duration) -> Result<Option<u32>, LocalError> {
    let client = Client::new(state.join(SOCKET));
    let daemon: Daemon = match get(&client, "/v1/daemon").await {
        Ok(daemon) => daemon,
        Err(EngineError::NotRunning) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let deadline = Instant::now() + timeout;
    // It may end before its answer is read: that it is gone is what counts.
    let asked = ask_to_stop(&client).await;
    while runs(daemon.pid) {
        if Instant::now() > deadline {
            asked?;
            return Err(LocalError::Stays { pid: daemon.pid });
        }
        if let Err(refused @ (EngineError::LocalRefused { .. } | EngineError::LocalFailed { .. })) = asked {
            return Err(refused.into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(Some(daemon.pid))
}

/// Whether the process runs. One that ended and that nobody has asked about yet (`Z` in proc_pid_stat(5)) does not.
fn runs(pid: u32) -> bool {
    let Some(process) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    if rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything.
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    !state.is_some_and(|rest| rest.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_none_runs_there_is_nothing_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let stopped = stop(folder.path(), Duration::from_secs(1)).await.unwrap();
        assert_eq!(stopped, None);
    }

    #[test]
    fn a_process_runs_until_it_ended() {
        assert!(runs(std::process::id()));
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!runs(pid));
    }
}
