//! What the other verbs say about objects.

use super::{FAINT, NAME};
use crate::event::Event;
use crate::printer::To;

/// The line for an event about an object.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    space(event).or_else(|| way(event)).or_else(|| baseline(event))
}

fn space(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Engine {
            engine,
            context,
            server,
            baseline,
            space,
            chosen_by,
            engine_by,
            baseline_by,
        } => {
            let place = if engine == context {
                server.clone()
            } else {
                format!("context {context} at {server}")
            };
            (
                To::Talk,
                format!(
                    "engine {NAME}{engine}{NAME:#} {FAINT}(by {engine_by}; {place}){FAINT:#}\n\
                     baseline {NAME}{baseline}{NAME:#} {FAINT}(by {baseline_by}){FAINT:#}, space {NAME}{space}{NAME:#} {FAINT}(by {chosen_by}){FAINT:#}"
                ),
            )
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
        _ => return None,
    };
    Some(line)
}

fn way(event: &Event) -> Option<(To, String)> {
    let line = match event {
        Event::Used {
            engine,
            context,
            file,
        } => {
            let context = context
                .as_ref()
                .map(|context| format!(", context {context}"))
                .unwrap_or_default();
            (
                To::Talk,
                format!("engine {NAME}{engine}{NAME:#}{context} is in use {FAINT}(kept in {file}){FAINT:#}"),
            )
        }
        Event::Forwarding {
            service,
            address,
            port,
        } => (
            To::Data,
            format!("{NAME}{address}{NAME:#} {FAINT}(port {port} of {service}; ctrl-c ends it){FAINT:#}"),
        ),
        Event::Written { file } => (To::Data, file.clone()),
        _ => return None,
    };
    Some(line)
}

fn baseline(event: &Event) -> Option<(To, String)> {
    let line = match event {
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
        Event::Version {
            devspace,
            objects,
            local,
        } => {
            let local = local
                .as_ref()
                .map(|local| format!("\nlocal engine {local}"))
                .unwrap_or_default();
            (
                To::Data,
                format!("devspace {devspace} (objects {objects}){local}"),
            )
        }
        Event::Setting(row) => {
            let ways: String = row.ways.iter().map(|way| format!("\n    {way}")).collect();
            let value = row.value.as_deref().unwrap_or("none");
            (
                To::Data,
                format!(
                    "{} is {NAME}{value}{NAME:#} {FAINT}(by {}){FAINT:#}\nset by the first of{ways}",
                    row.key, row.origin
                ),
            )
        }
        _ => return None,
    };
    Some(line)
}
