//! Running programs to their end, with a deadline.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::time::timeout;

/// What a program that ended left.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs to the end. Any exit code is an answer.
///
/// # Errors
/// It cannot be started, or the deadline passed; then it is killed.
pub async fn run(command: &mut Command, limit: Duration) -> Result<Ended> {
    let shown = format!("{:?}", command.as_std());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
    let output = timeout(limit, child.wait_with_output()).await;
    let output = output.with_context(|| format!("{shown} did not end within {limit:?}"))??;
    Ok(Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Like [`run`], and an exit code other than 0 is an error that shows both outputs. Answers standard output.
///
/// # Errors
/// As [`run`], and the program failed.
pub async fn output(command: &mut Command, limit: Duration) -> Result<String> {
    let ended = run(command, limit).await?;
    if ended.code != 0 {
        bail!(
            "{:?} ended with {}\n{}{}",
            command.as_std(),
            ended.code,
            ended.stdout,
            ended.stderr
        );
    }
    Ok(ended.stdout)
}
