//! What is said about the local engine.

use super::{BAD, CARE, FAINT, GOOD, NAME};
use crate::event::{Event, LocalServiceRow};
use crate::printer::To;

/// The line for an event of the local engine.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::LocalEngine {
            version,
            pid,
            state,
            log,
            started,
        } => {
            let verb = if *started { "started" } else { "runs" };
            (
                To::Talk,
                format!(
                    "local engine {verb} {FAINT}(devspace {version}, process {pid}, state {state}, log {log}){FAINT:#}"
                ),
            )
        }
        Event::LocalStopped { pid: Some(pid) } => (
            To::Talk,
            format!("local engine stopped {FAINT}(process {pid}); its folders and addresses stay{FAINT:#}"),
        ),
        Event::LocalStopped { pid: None } => (To::Talk, "the local engine did not run".to_owned()),
        Event::Workspace {
            workspace,
            file,
            url,
            port_note,
        } => {
            let note = port_note
                .as_ref()
                .map(|note| format!("\n{CARE}warning{CARE:#}: {note}, so the gateway has another one"))
                .unwrap_or_default();
            (
                To::Data,
                format!("gateway {NAME}{url}{NAME:#} {FAINT}(workspace {workspace}, {file}){FAINT:#}{note}"),
            )
        }
        Event::LocalService(row) => service(row),
        Event::Next { commands } => {
            let lines: String = commands
                .iter()
                .map(|command| format!("\n    {command}"))
                .collect();
            (To::Talk, format!("{GOOD}next{GOOD:#}:{lines}"))
        }
        _ => return None,
    };
    Some(line)
}

/// A change of a service: what lasts is a line, the rest is progress.
fn service(row: &LocalServiceRow) -> (To, String) {
    let LocalServiceRow {
        service,
        phase,
        url,
        message,
        ..
    } = row;
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let rest: String = lines.map(|line| format!("\n    {line}")).collect();
    let name = format!("{NAME}{service}{NAME:#}");
    match phase.as_str() {
        "ready" => (To::Talk, format!("{name}: {GOOD}ready{GOOD:#} at {url}")),
        "missing" => (
            To::Talk,
            format!("{CARE}warning{CARE:#}: {service} is left out: {first}{rest}"),
        ),
        "failed" | "down" => (To::Talk, format!("{name}: {BAD}{phase}{BAD:#} ({first}){rest}")),
        _ => (To::Progress, format!("{service}: {phase}")),
    }
}
