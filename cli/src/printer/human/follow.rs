//! What `devspace up` says while it follows a folder.

use super::{BAD, CARE, FAINT, GOOD, NAME, time};
use crate::event::{Event, Stream};
use crate::printer::To;

/// The line for an event of a followed copy.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    live(event)
        .or_else(|| program(event))
        .or_else(|| connection(event))
}

fn live(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Live {
            service,
            revision,
            first: true,
            ..
        } => (To::Progress, format!("{service}: live at r{revision}")),
        Event::Live {
            service,
            revision,
            seconds,
            restart_seconds,
            ..
        } => {
            let (what, took) = match seconds {
                Some(seconds) => ("saved → ", *seconds),
                None => ("", *restart_seconds),
            };
            let took = took.0.as_secs_f64();
            (
                To::Talk,
                format!("{NAME}{service}{NAME:#}: {what}{GOOD}live{GOOD:#} at r{revision} in {took:.2} s"),
            )
        }
        _ => return None,
    };
    Some(line)
}

fn program(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::BuildFailed {
            service,
            status,
            last_lines,
            ..
        } => (
            To::Talk,
            block(
                format!("{NAME}{service}{NAME:#}: {BAD}build failed{BAD:#} ({status})"),
                last_lines,
            ),
        ),
        Event::Exited {
            service,
            status,
            last_lines,
            crash_loop,
        } => {
            let again = if *crash_loop { ", again and again" } else { "" };
            (
                To::Talk,
                block(
                    format!("{NAME}{service}{NAME:#}: {BAD}program ended{BAD:#} ({status}{again})"),
                    last_lines,
                ),
            )
        }
        Event::Output {
            service,
            stream,
            line,
        } => {
            let bar = if *stream == Stream::Stderr { CARE } else { FAINT };
            (To::Data, format!("{bar}{service} |{bar:#} {line}"))
        }
        _ => return None,
    };
    Some(line)
}

fn connection(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::TakenOver { service, by } => {
            (To::Talk, format!("{CARE}{service}: taken over by {by}{CARE:#}"))
        }
        Event::Disconnected { service, reason } => (
            To::Talk,
            format!("{CARE}{service}: connection to the copy lost{CARE:#} ({reason}), connecting again"),
        ),
        Event::Reconnected { service, seconds } => (
            To::Talk,
            format!("{service}: connected again after {}", time(*seconds)),
        ),
        Event::Halted { service, reason } => {
            (To::Talk, format!("{BAD}{service}: sync halted{BAD:#}: {reason}"))
        }
        Event::Warning { service, message } => {
            let of = service
                .as_ref()
                .map(|service| format!("{service}: "))
                .unwrap_or_default();
            (To::Talk, format!("{CARE}warning{CARE:#}: {of}{message}"))
        }
        _ => return None,
    };
    Some(line)
}

fn block(title: String, lines: &[String]) -> String {
    lines
        .iter()
        .fold(title, |text, line| format!("{text}\n    {line}"))
}
