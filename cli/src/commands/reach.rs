//! `devspace forward` and `devspace open`.

use std::process::Stdio;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::pump::pump;
use super::{Invocation, logs};
use crate::args::{CopyArgs, ForwardArgs, OpenArgs};
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::forward::forward;
use crate::ops::spaces;
use crate::report::{AnyReport, Hint, Report};

/// `devspace forward`: until ctrl-c.
pub(super) async fn run_forward(invocation: &mut Invocation, args: ForwardArgs) -> Result<Exit, AnyReport> {
    let copy = CopyArgs {
        target: args.target,
        service: args.service,
    };
    let (engine, copy) = logs::copy(invocation, copy).await?;
    let (event_tx, event_rx) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let ended = cancel.clone();
    let ports = (args.ports.local, args.ports.remote);
    let work = async move { forward(engine.as_ref(), &copy, ports, &event_tx, ended).await };
    pump(&mut invocation.printer, Box::pin(work), event_rx, Some(cancel)).await?;
    Ok(Exit::Ok)
}

/// `devspace open`.
pub(super) async fn run_open(invocation: &mut Invocation, args: OpenArgs) -> Result<Exit, AnyReport> {
    let engine = invocation.engine().await?;
    let target = invocation.target(engine.as_ref(), args.target).await?;
    let space = spaces::existing(engine.as_ref(), &target.at()).await?;
    let urls = space.status.map(|status| status.urls).unwrap_or_default();
    let space = target.space.to_string();
    let Some(url) = urls.into_iter().next() else {
        return Err(NoUrlError { space }.into());
    };
    invocation.printer.event(&Event::Url {
        space,
        url: url.clone(),
    })?;
    if !args.print
        && let Some(program) = opener()
    {
        let opened = tokio::process::Command::new(program)
            .arg(&url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        let failed = match opened {
            Ok(status) if status.success() => None,
            Ok(status) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = failed {
            // The address is printed, which is what counts.
            invocation.printer.event(&Event::Warning {
                service: None,
                message: format!("`{program}` did not open it: {reason}"),
            })?;
        }
    }
    Ok(Exit::Ok)
}

/// The system's program that opens an address; `None` where there is no display.
fn opener() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    (set("DISPLAY") || set("WAYLAND_DISPLAY")).then_some("xdg-open")
}

/// A space without an address.
#[derive(Debug, thiserror::Error)]
#[error("space {space} has no address")]
struct NoUrlError {
    space: String,
}

impl Report for NoUrlError {
    fn code(&self) -> &'static str {
        "no_url"
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "the baseline names no public host; `devspace up` prints local addresses while it follows a folder",
        ))
    }
}
