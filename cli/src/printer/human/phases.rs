//! What `devspace up` says on the way up.

use super::{FAINT, GOOD, NAME, count, size, time};
use crate::event::Event;
use crate::printer::To;

/// The line for an event on the way up.
pub(super) fn line(event: &Event) -> Option<(To, String)> {
    progress(event)
        .or_else(|| milestone(event))
        .or_else(|| address(event))
}

/// What a terminal shows while it lasts.
fn progress(event: &Event) -> Option<(To, String)> {
    let line = match event {
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
        _ => return None,
    };
    Some(line)
}

fn milestone(event: &Event) -> Option<(To, String)> {
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
        Event::Up { .. } => (To::Talk, summary(event)?),
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
        } => (To::Data, plan(service, object, changes.as_deref())),
        _ => return None,
    };
    Some(line)
}

fn address(event: &Event) -> Option<(To, String)> {
    let line = match event {
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

fn plan(service: &str, object: &serde_json::Value, changes: Option<&[String]>) -> String {
    let yaml = serde_saphyr::to_string(object).unwrap_or_else(|_| object.to_string());
    let yaml = yaml.trim_end();
    match changes {
        None => format!("---\n{yaml}"),
        Some([]) => format!(
            "---\n{yaml}\n# {service}: what is dropped or changed of the baseline's template is known once the copy exists"
        ),
        Some(changes) => {
            let lines: Vec<String> = changes.iter().map(|change| format!("#   {change}")).collect();
            format!(
                "---\n{yaml}\n# {service}: dropped or changed of the baseline's template\n{}",
                lines.join("\n")
            )
        }
    }
}
