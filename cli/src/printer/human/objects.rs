//! What the other verbs say about objects.

use super::{FAINT, NAME};
use crate::event::Event;
use crate::printer::To;

/// The line for an event about an object.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    space(event).or_else(|| baseline(event))
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
        } => (
            To::Talk,
            format!(
                "engine {engine}, context {context} ({server}), baseline {baseline}, space {NAME}{space}{NAME:#} {FAINT}(by {chosen_by}){FAINT:#}"
            ),
        ),
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
        Event::Version { devspace, objects } => {
            (To::Data, format!("devspace {devspace} (objects {objects})"))
        }
        _ => return None,
    };
    Some(line)
}
