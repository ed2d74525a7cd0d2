//! `devspace exec`: the one verb whose output is not the printer's. The bytes are the child's.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use super::Invocation;
use super::logs::copy;
use crate::args::ExecArgs;
use crate::engine::{BoxResize, Exec, Streams};
use crate::exit::Exit;
use crate::report::{AnyReport, Report};

mod raw;

/// Runs the command with this process's streams, and passes its code. A terminal here becomes a terminal there.
pub(super) async fn run(invocation: &mut Invocation, args: ExecArgs) -> Result<Exit, AnyReport> {
    let (engine, copy) = copy(invocation, args.copy).await?;
    let tty = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let exec = engine.exec(&copy, &args.command, tty).await?;
    invocation.printer.leave_terminal();
    let code = match exec {
        Exec::There(streams) => {
            // Restored when dropped, also when the connection breaks.
            let _raw = if tty { raw::RawMode::enter() } else { None };
            relay(streams).await?
        }
        Exec::Here(command) => here(*command).await?,
    };
    Ok(Exit::Child(code))
}

/// Runs a command of this machine. It has our terminal, so ctrl-c reaches it, and it decides what that means.
async fn here(mut command: tokio::process::Command) -> Result<u8, AnyReport> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let failed = |source| ProgramError {
        program: program.clone(),
        source,
    };
    let mut child = command.spawn().map_err(failed)?;
    // Without a listener ctrl-c would end us before the command.
    let mut pressed = signal(SignalKind::interrupt()).map_err(failed)?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.map_err(failed)?,
            Some(()) = pressed.recv() => {}
        }
    };
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code
        .and_then(|code| u8::try_from(code & 0xff).ok())
        .unwrap_or(126))
}

/// The command cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot run `{program}` on this machine")]
struct ProgramError {
    program: String,
    source: std::io::Error,
}

impl Report for ProgramError {
    fn code(&self) -> &'static str {
        "program"
    }

    fn exit(&self) -> Exit {
        // As shells say it: not found, or not to be run.
        match self.source.kind() {
            std::io::ErrorKind::NotFound => Exit::Child(127),
            _ => Exit::Child(126),
        }
    }
}

/// Carries bytes in both directions until the command has ended and its outputs are drained.
async fn relay(streams: Streams) -> Result<u8, AnyReport> {
    let Streams {
        stdin,
        stdout,
        stderr,
        resize,
        exit,
    } = streams;
    let outputs = async {
        tokio::join!(carry(stdout, tokio::io::stdout()), async {
            if let Some(stderr) = stderr {
                carry(stderr, tokio::io::stderr()).await;
            }
        });
    };
    let code = async {
        // The status comes after the last byte, so both are waited for together.
        let ((), code) = tokio::join!(outputs, exit);
        code
    };
    tokio::select! {
        code = code => Ok(code?),
        () = input(stdin) => unreachable_end().await,
        () = follow_size(resize) => unreachable_end().await,
    }
}

/// Neither end of input nor a closed terminal ends the command.
async fn unreachable_end() -> Result<u8, AnyReport> {
    std::future::pending().await
}

/// Carries standard input, and closes the command's at its end. Never ends.
async fn input(mut to: std::pin::Pin<Box<dyn AsyncWrite + Send>>) {
    drop(tokio::io::copy(&mut tokio::io::stdin(), &mut to).await);
    drop(to.shutdown().await);
    std::future::pending().await
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    // A reader that went away is no reason to stop the command.
    drop(tokio::io::copy(&mut from, &mut to).await);
    drop(to.flush().await);
}

/// Tells the terminal's size now and whenever it changes. Never ends.
async fn follow_size(resize: Option<BoxResize>) {
    if let (Some(mut resize), Ok(mut changed)) = (resize, signal(SignalKind::window_change())) {
        loop {
            if let Some((width, height)) = raw::size() {
                resize(width, height);
            }
            if changed.recv().await.is_none() {
                break;
            }
        }
    }
    std::future::pending().await
}
