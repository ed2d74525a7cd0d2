//! A build on this machine, before its artefact is synced.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use super::{Exit, SessionEvent};

/// Runs the build; its lines are events. Returns whether it succeeded. Dropping it kills the command.
pub(super) async fn build(command: &[String], dir: &Path, events: &mpsc::Sender<SessionEvent>) -> bool {
    let began = Instant::now();
    // The receiver may be gone, and then the session ends by its token.
    let _ = events.send(SessionEvent::BuildStarted { revision: None }).await;
    let exit = match run(command, dir, events).await {
        Ok(exit) => exit,
        Err(error) => {
            let line = format!("cannot run `{}`: {error}", command.join(" "));
            let _ = events.send(SessionEvent::BuildOutput { line }).await;
            Exit::Unknown
        }
    };
    let ok = exit == Exit::Code(0);
    let took = began.elapsed();
    let _ = events
        .send(SessionEvent::BuildFinished {
            revision: None,
            ok,
            took,
            exit,
        })
        .await;
    ok
}

async fn run(command: &[String], dir: &Path, events: &mpsc::Sender<SessionEvent>) -> std::io::Result<Exit> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "the command is empty",
        ));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, (), ()) = tokio::join!(child.wait(), lines(stdout, events), lines(stderr, events));
    Ok(status?.code().map_or(Exit::Unknown, Exit::Code))
}

async fn lines(stream: Option<impl AsyncRead + Unpin>, events: &mpsc::Sender<SessionEvent>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\n', '\r'])
            .to_owned();
        line.clear();
        if events
            .send(SessionEvent::BuildOutput { line: text })
            .await
            .is_err()
        {
            return;
        }
    }
}
