//! Events as lines for people. Messages are lowercase, have no final period, and put code in backticks.

mod follow;
mod init;
mod local;
mod objects;
mod phases;

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::To;
use crate::event::{Event, Seconds};

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const CARE: Style = AnsiColor::Yellow.on_default();
pub(super) const NAME: Style = AnsiColor::Cyan.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();

/// A duration as people read it: `0.31 s`, `6.2s` style is kept to one decimal from one second on.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{seconds:.2}s")
    } else if seconds < 60.0 {
        format!("{seconds:.1}s")
    } else {
        let whole = time.as_secs();
        format!("{}m{:02}s", whole / 60, whole % 60)
    }
}

/// A number of bytes as people read it, in powers of 1024.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    // Loss of precision does not show: three digits are printed.
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let mut value = bytes as f64;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {unit}")
    }
}

pub(super) fn time(seconds: Seconds) -> String {
    duration(seconds.0)
}

pub(super) fn count(number: u64, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// The line for `event`, and where it goes. Some events are for programs only.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    phases::line(event)
        .or_else(|| follow::line(event))
        .or_else(|| objects::line(event))
        .or_else(|| init::line(event))
        .or_else(|| local::line(event))
        .or_else(|| failure(event))
}

/// Message, causes, blank line, hint.
fn failure(event: &Event) -> Option<(To, String)> {
    let Event::Error {
        message,
        causes,
        hint,
        block,
        ..
    } = event
    else {
        return None;
    };
    let mut text = format!("{BAD}error{BAD:#}: {message}");
    for cause in causes {
        text.push_str("\n  cause: ");
        text.push_str(&cause.replace('\n', "\n  "));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\n\n{GOOD}hint{GOOD:#}: {hint}"));
    }
    if let Some(block) = block {
        for line in block.lines() {
            text.push_str(&format!("\n    {line}").trim_end().replace('\r', ""));
        }
    }
    Some((To::Talk, text))
}
