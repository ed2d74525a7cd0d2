//! The daemon: found, or started in a session of its own.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use devspace_local::protocol::STATE_VARIABLE;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::LocalError;
use crate::engine::EngineError;
use crate::engine::local::{Local, connect};
use crate::exit::Exit;

/// The daemon's log in the state folder.
pub(crate) const LOG: &str = "daemon.log";
/// How long a daemon may take until it answers. What a daemon that was killed left behind is ended first.
const ANSWERS: Duration = Duration::from_secs(20);
/// Between tries.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// Lines of the log that are shown.
const LINES: usize = 20;
/// Variables of this command that would mean something else to the programs that the daemon starts.
const OURS: [&str; 4] = [
    "DEVSPACE_SPACE",
    "DEVSPACE_BASELINE",
    "DEVSPACE_ENGINE",
    "DEVSPACE_CONTEXT",
];

/// How the daemon is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    /// The state folder, absolute.
    pub(crate) state: PathBuf,
    /// This program.
    pub(crate) program: PathBuf,
}

impl Launch {
    /// The daemon, and whether it was started by this call.
    ///
    /// # Errors
    /// [`LocalError`]. That another call starts it at the same time is none.
    pub(super) async fn ensure(&self) -> Result<(Local, bool), LocalError> {
        let deadline = Instant::now() + ANSWERS;
        loop {
            match connect(&self.state).await {
                Ok(local) => return Ok((local, false)),
                Err(EngineError::NotRunning) => break,
                // One that is about to end takes a connection and drops it.
                Err(EngineError::Daemon { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let log = self.state.join(LOG);
        let (mut child, begin) = self.spawn(&log)?;
        let mut ended: Option<ExitStatus> = None;
        loop {
            match connect(&self.state).await {
                Ok(local) => return Ok((local, ended.is_none())),
                Err(EngineError::NotRunning | EngineError::Daemon { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(status) = ended.filter(|status| !lost_race(*status)) {
                let last_lines = last_lines(&log, begin);
                return Err(LocalError::Ended {
                    status,
                    log,
                    last_lines,
                });
            }
            if Instant::now() > deadline {
                return Err(LocalError::Silent { log });
            }
            tokio::select! {
                Ok(status) = child.wait(), if ended.is_none() => ended = Some(status),
                () = tokio::time::sleep(TRY_AGAIN) => {}
            }
        }
    }

    /// Starts it, and says where its lines begin in the log.
    fn spawn(&self, log: &Path) -> Result<(Child, u64), LocalError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LocalError::Write { path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.state)
            .map_err(failed(&self.state))?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(log)
            .map_err(failed(log))?;
        let begin = file.metadata().map_err(failed(log))?.len();
        let errors = file.try_clone().map_err(failed(log))?;
        let mut command = Command::new(&self.program);
        command
            .args(["local", "serve", "--detached"])
            .env(STATE_VARIABLE, &self.state)
            .current_dir(&self.state)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors);
        for name in OURS {
            command.env_remove(name);
        }
        let child = command.spawn().map_err(|source| LocalError::Spawn {
            program: self.program.clone(),
            source,
        })?;
        Ok((child, begin))
    }
}

/// A daemon that found another one refuses to run; the other one will answer.
fn lost_race(status: ExitStatus) -> bool {
    status.code() == Some(i32::from(Exit::Refused.code()))
}

/// What the log says since `begin`, its end.
fn last_lines(log: &Path, begin: u64) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let skip = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[tokio::test]
    async fn a_daemon_that_ends_at_once_is_told_with_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("broken");
        std::fs::write(
            &program,
            "#!/bin/sh\necho \"$1 $2 $3\"\necho no way >&2\nexit 7\n",
        )
        .unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let state = folder.path().join("deep/state");
        std::fs::create_dir_all(&state).unwrap();
        // What an earlier daemon wrote is not shown.
        std::fs::write(state.join(LOG), "an old line\n").unwrap();
        let launch = Launch { state, program };
        let error = launch.ensure().await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "the local engine ended as it started (exit status: 7)"
        );
        assert_eq!(
            error.hint().unwrap().block.as_deref(),
            Some("local serve --detached\nno way")
        );
    }

    #[tokio::test]
    async fn a_state_folder_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let launch = Launch {
            state: folder.path().join("file/state"),
            program: "/bin/true".into(),
        };
        let error = launch.ensure().await.err().unwrap();
        assert_eq!((error.code(), error.exit()), ("local_state", Exit::Refused));
    }
}
