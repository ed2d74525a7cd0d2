//! `devspace exec`: the one verb whose output is not the printer's. The bytes are the child's.

use std::io::IsTerminal;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use super::Invocation;
use super::logs::copy;
use crate::args::ExecArgs;
use crate::engine::{BoxResize, Engine, Exec};
use crate::exit::Exit;
use crate::report::AnyReport;

mod raw;

/// Runs the command with this process's streams, and passes its code. A terminal here becomes a terminal there.
pub(super) async fn run(invocation: &mut Invocation, args: ExecArgs) -> Result<Exit, AnyReport> {
    let (kube, copy) = copy(invocation, args.copy).await?;
    let tty = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let exec = kube.exec(&copy, &args.command, tty).await?;
    invocation.printer.leave_terminal();
    // Restored when dropped, also when the connection breaks.
    let _raw = if tty { raw::RawMode::enter() } else { None };
    let code = relay(exec).await?;
    Ok(Exit::Child(code))
}

/// Carries bytes in both directions until the command has ended and its outputs are drained.
async fn relay(exec: Exec) -> Result<u8, AnyReport> {
    let Exec {
        stdin,
        stdout,
        stderr,
        resize,
        exit,
    } = exec;
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
