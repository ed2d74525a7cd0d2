//! `devspace up` as a child, followed by its JSON events.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{process, say};

/// Events that may wait to be read. The child writes a few a second.
const WAITING_EVENTS: usize = 1024;

/// A running `devspace up`. Dropping it ends the program; the copy runs on.
pub(crate) struct Up {
    child: Child,
    event_rx: Receiver<Value>,
}

/// Where the space is to be seen.
pub(crate) struct Seen {
    /// For browsers.
    pub(crate) browser: String,
    /// For every other client.
    pub(crate) address: String,
}

impl Up {
    /// Starts a `devspace up --output json`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", process::shown(&command)))?;
        let stdout = child.stdout.take().context("the child's output is piped")?;
        let (event_tx, event_rx) = sync_channel(WAITING_EVENTS);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else {
                    continue;
                };
                if event_tx.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, event_rx })
    }

    /// Follows it until the copy is routed and live and its addresses are known.
    ///
    /// # Errors
    /// It ends or is late; the last event is in the message.
    pub(crate) fn until_watching(&self, limit: Duration) -> Result<Seen> {
        let (mut routed, mut live, mut seen) = (false, false, None);
        self.follow_until(limit, "the copy is routed and live", |event| {
            match text(event, "event") {
                "routed" => routed = true,
                "live" => live = true,
                "tunnel" => {
                    let field = |name| text(event, name).trim_end_matches('/').to_owned();
                    seen = Some(Seen {
                        browser: field("browser"),
                        address: field("address"),
                    });
                }
                _ => {}
            }
            routed && live && seen.is_some()
        })?;
        seen.context("`devspace up` printed no tunnel")
    }

    /// Follows it until a save is live. Answers the revision.
    ///
    /// # Errors
    /// It ends or is late.
    pub(crate) fn until_live(&self, limit: Duration) -> Result<u64> {
        let mut revision = 0;
        self.follow_until(limit, "the save is live", |event| {
            revision = event.get("revision").and_then(Value::as_u64).unwrap_or_default();
            text(event, "event") == "live"
        })?;
        Ok(revision)
    }

    fn follow_until(
        &self,
        limit: Duration,
        what: &str,
        mut reached: impl FnMut(&Value) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        let mut last = Value::Null;
        loop {
            match self
                .event_rx
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(event) => {
                    tell(&event);
                    if reached(&event) {
                        return Ok(());
                    }
                    last = event;
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "not within {} s: {what}; the last event was {last}",
                        limit.as_secs()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("`devspace up` ended before {what}; the last event was {last}")
                }
            }
        }
    }

    /// Follows it until it ends by itself.
    ///
    /// # Errors
    /// Its end cannot be read.
    pub(crate) fn follow(mut self) -> Result<()> {
        while let Ok(event) = self.event_rx.recv() {
            tell(&event);
        }
        self.child.wait().context("cannot wait for `devspace up`")?;
        Ok(())
    }

    /// Ends the program. The copy runs on.
    ///
    /// # Errors
    /// It cannot be ended.
    pub(crate) fn end(mut self) -> Result<()> {
        self.child.kill().context("cannot end `devspace up`")?;
        self.child.wait().context("cannot wait for `devspace up`")?;
        Ok(())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Prints what a person wants to know of an event.
fn tell(event: &Value) {
    let seconds = |name: &str| event.get(name).and_then(Value::as_f64).unwrap_or_default();
    let number = |name: &str| event.get(name).and_then(Value::as_u64).unwrap_or_default();
    match text(event, "event") {
        "space" => say::line(format!(
            "   space {} in namespace {}",
            text(event, "space"),
            text(event, "namespace")
        )),
        "pod" => say::line(format!("   pod answers after {:.1} s", seconds("seconds"))),
        "synced" => say::line(format!(
            "   synced {} files, r{}",
            number("files"),
            number("revision")
        )),
        "built" => say::line(format!("   built in {:.1} s", seconds("seconds"))),
        "routed" => say::line(format!("   routed after {:.1} s", seconds("seconds"))),
        "live" => say::line(format!("   r{} answers", number("revision"))),
        "build_failed" | "exited" | "warning" | "error" | "halted" | "taken_over" => {
            say::line(format!("   {event}"))
        }
        _ => {}
    }
}
