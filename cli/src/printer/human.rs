//! Events as lines for people. Messages are lowercase, have no final period, and put code in backticks.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::To;
use crate::event::{Event, Seconds, Stream};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default();
const NAME: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

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
fn size(bytes: u64) -> String {
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

fn time(seconds: Seconds) -> String {
    duration(seconds.0)
}

fn count(number: u64, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// The line for `event`, and where it goes. Some events are for programs only.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    up_line(event)
        .or_else(|| loop_line(event))
        .or_else(|| other_line(event))
}

/// Events on the way up.
fn up_line(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Space {
            space,
            baseline,
            created: true,
            seconds,
            chosen_by,
            ..
        } => (
            To::Talk,
            format!(
                "space {NAME}{space}{NAME:#} created on baseline {baseline} in {} {FAINT}(name from {chosen_by}){FAINT:#}",
                time(*seconds)
            ),
        ),
        Event::Space { space, .. } => (To::Progress, format!("space {space}: making the copy")),
        Event::Pod { service, .. } => (To::Progress, format!("{service}: pod answers, comparing files")),
        Event::Syncing {
            service,
            files_done,
            files,
            bytes_done,
            bytes,
        } => (
            To::Progress,
            format!(
                "{service}: syncing {files_done}/{files} files, {} of {}",
                size(*bytes_done),
                size(*bytes)
            ),
        ),
        Event::Building { service, .. } => (To::Progress, format!("{service}: building")),
        Event::BuildOutput { service, line } => (To::Progress, format!("{service}: building: {line}")),
        Event::Starting { service, revision } => (To::Progress, format!("{service}: starting r{revision}")),
        Event::Up { .. } => (To::Talk, summary(event)?),
        Event::Url { url, .. } => (To::Data, format!("url     {NAME}{url}{NAME:#}")),
        Event::Tunnel { browser, address, .. } => (
            To::Data,
            format!(
                "tunnel  {NAME}{browser}{NAME:#} {FAINT}(browsers and curl){FAINT:#}\n        {NAME}{address}{NAME:#} {FAINT}(every other client){FAINT:#}"
            ),
        ),
        Event::Debug { service, address } => (
            To::Data,
            format!("debug   {NAME}{address}{NAME:#} {FAINT}({service}){FAINT:#}"),
        ),
        Event::Watching => (To::Talk, "watching, ctrl-c detaches".to_owned()),
        Event::Detached { services } => (
            To::Talk,
            format!(
                "detached; {} on, `devspace down` removes {}",
                runs(services),
                if services.len() == 1 { "it" } else { "them" }
            ),
        ),
        Event::Plan {
            service,
            object,
            changes,
        } => (To::Data, plan(service, object, changes)),
        _ => return None,
    };
    Some(line)
}

fn runs(services: &[String]) -> String {
    format!(
        "{} {}",
        services.join(", "),
        if services.len() == 1 { "runs" } else { "run" }
    )
}

/// `package in red: pod 1.4s, synced 214 files, built 6.2s, routed`.
fn summary(event: &Event) -> Option<String> {
    let Event::Up {
        service,
        space,
        pod_seconds,
        files,
        build_seconds,
        seconds,
    } = event
    else {
        return None;
    };
    let parts = [
        pod_seconds.map(|seconds| format!("pod {}", time(seconds))),
        files.map(|files| {
            if files == 0 {
                "in sync".to_owned()
            } else {
                format!("synced {}", count(files, "file"))
            }
        }),
        build_seconds.map(|seconds| format!("built {}", time(seconds))),
        Some("routed".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Some(format!(
        "{NAME}{service}{NAME:#} in {NAME}{space}{NAME:#}: {GOOD}{}{GOOD:#} {FAINT}({}){FAINT:#}",
        parts.join(", "),
        time(*seconds)
    ))
}

fn plan(service: &str, object: &serde_json::Value, changes: &[String]) -> String {
    let yaml = serde_saphyr::to_string(object).unwrap_or_else(|_| object.to_string());
    let known = if changes.is_empty() {
        format!(
            "# {service}: what is dropped or changed of the baseline's template is known once the copy exists"
        )
    } else {
        let lines: Vec<String> = changes.iter().map(|change| format!("#   {change}")).collect();
        format!(
            "# {service}: dropped or changed of the baseline's template\n{}",
            lines.join("\n")
        )
    };
    format!("---\n{}\n{known}", yaml.trim_end())
}

/// Events of the running loop.
fn loop_line(event: &Event) -> Option<(To, String)> {
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
        _ => return None,
    };
    Some(line)
}

fn block(title: String, lines: &[String]) -> String {
    lines
        .iter()
        .fold(title, |text, line| format!("{text}\n    {line}"))
}

/// Events of the other verbs.
fn other_line(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Engine {
            engine,
            context,
            server,
            baseline,
            space,
            chosen_by,
        } => (
            To::Talk,
            format!(
                "engine {engine}, context {context} ({server}), baseline {baseline}, space {NAME}{space}{NAME:#} {FAINT}(by {chosen_by}){FAINT:#}"
            ),
        ),
        Event::Warning { service, message } => {
            let of = service
                .as_ref()
                .map(|service| format!("{service}: "))
                .unwrap_or_default();
            (To::Talk, format!("{CARE}warning{CARE:#}: {of}{message}"))
        }
        Event::Removed {
            kind,
            name,
            namespace,
        } => {
            let place = namespace
                .as_ref()
                .map(|namespace| format!(" in {namespace}"))
                .unwrap_or_default();
            (To::Data, format!("removed {kind} {name}{place}"))
        }
        Event::RequestsGoTo { target } => (To::Talk, format!("requests now go to {target}")),
        Event::Selected {
            space,
            baseline,
            context,
        } => (
            To::Talk,
            format!("space {NAME}{space}{NAME:#} of baseline {baseline} is selected for context {context}"),
        ),
        Event::Log { line, .. } => (To::Data, line.clone()),
        Event::Router {
            baseline,
            ready,
            desired,
            hosts,
        } => (
            To::Data,
            format!(
                "baseline {NAME}{baseline}{NAME:#}: router {ready}/{desired} ready, hosts {}",
                if hosts.is_empty() {
                    "none".to_owned()
                } else {
                    hosts.join(", ")
                }
            ),
        ),
        Event::Restored {
            service,
            done,
            detail,
        } => (
            To::Data,
            format!(
                "{} {service}: {detail}",
                if *done { "restored" } else { "would restore" }
            ),
        ),
        Event::Version { devspace, objects } => {
            (To::Data, format!("devspace {devspace} (objects {objects})"))
        }
        Event::Error {
            message,
            causes,
            hint,
            block,
            ..
        } => (
            To::Talk,
            failure(message, causes, hint.as_deref(), block.as_deref()),
        ),
        _ => return None,
    };
    Some(line)
}

/// Message, causes, blank line, hint.
fn failure(message: &str, causes: &[String], hint: Option<&str>, block: Option<&str>) -> String {
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
    text
}
