//! The text of a `devspace.yaml`.

use super::draft::{Draft, Said};
use super::yaml::{comment, list, scalar};

/// A draft with what only the developer's choice or the baseline decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled<'a> {
    /// What detection found.
    pub(crate) draft: &'a Draft,
    /// The service.
    pub(crate) service: Said<String>,
    /// Whether the local engine is meant, which needs a port.
    pub(crate) local: bool,
    /// A workspace that the same file describes, by its name.
    pub(crate) workspace: Option<String>,
    /// The schema's place, for editors.
    pub(crate) schema: Option<&'a str>,
}

/// What a wrong port would break.
const REACHED: &str = "In a cluster it must be the one that the baseline's Service reaches.";

/// Writes the file. Each value has a comment that says where it came from.
pub(crate) fn render(filled: &Filled<'_>) -> String {
    let draft = filled.draft;
    let mut text = String::new();
    if let Some(schema) = filled.schema {
        text.push_str(&format!("# yaml-language-server: $schema={schema}\n"));
    }
    text.push_str(&comment(
        &format!(
            "How `devspace up` runs this folder in your space. `devspace init` found: {}.",
            draft.title
        ),
        "",
    ));
    text.push_str("devspace: 1\n");
    key(
        &mut text,
        &from(&filled.service.why),
        "service",
        &scalar(&filled.service.value),
    );
    if let Some(name) = &filled.workspace {
        key(
            &mut text,
            "This folder is an application of its own on the local engine: `devspace local start`.",
            "workspace",
            &format!("{{name: {}, services: [.]}}", scalar(name)),
        );
    }
    image(&mut text, draft);
    ports(&mut text, filled);
    sync(&mut text, draft);
    if !draft.cache.is_empty() {
        let why = "Folders that outlive the pod: what the build makes, and what it downloads.";
        key(&mut text, why, "cache", &list(&draft.cache));
    }
    program(&mut text, draft);
    environment(&mut text, draft);
    life(&mut text, draft);
    for note in &draft.notes {
        text.push('\n');
        text.push_str(&comment(note, ""));
    }
    text
}

fn ports(text: &mut String, filled: &Filled<'_>) {
    match &filled.draft.port {
        Some(port) => {
            let why = format!("{} {REACHED}", from(&port.why));
            key(text, &why, "ports", &format!("[{}]", port.value));
        }
        None if filled.local => {
            let why = format!("No port was found. On the local engine any number will do. {REACHED}");
            key(text, &why, "ports", "[8080]");
        }
        None => {
            text.push('\n');
            text.push_str(&comment(
                "No port was found. Without this line it is the one that the baseline's Service reaches; the local \
engine needs it.",
                "",
            ));
            text.push_str("# ports: [8080]\n");
        }
    }
}

fn image(text: &mut String, draft: &Draft) {
    let Some(image) = &draft.image else {
        return;
    };
    text.push('\n');
    text.push_str(&comment(
        "In a cluster the copy runs in the baseline's image. Where that lacks the tools of the build, name one that has \
them. The local engine uses this machine's tools.",
        "",
    ));
    text.push_str(&format!("# image: {image}\n"));
}

fn sync(text: &mut String, draft: &Draft) {
    let sync = &draft.sync;
    let mut why = format!("What is kept equal. To: {}.", draft.to.why);
    if !sync.only.is_empty() {
        why.push_str(" Only what the build reads of the workspace.");
    }
    text.push('\n');
    text.push_str(&comment(&why, ""));
    text.push_str("sync:\n");
    text.push_str(&format!("  - from: {}\n", scalar(&sync.from)));
    text.push_str(&format!("    to: {}\n", scalar(&draft.to.value)));
    if !sync.only.is_empty() {
        text.push_str(&format!("    only: {}\n", list(&sync.only)));
    }
}

fn program(text: &mut String, draft: &Draft) {
    if let Some(build) = &draft.build {
        text.push('\n');
        text.push_str(&comment(&from(&build.why), ""));
        text.push_str("build:\n");
        text.push_str(&format!("  run: {}\n", list(&build.run)));
        text.push_str(&format!("  when: {}\n", list(&build.when)));
    }
    match &draft.run {
        Some(run) => key(text, &from(&run.why), "run", &list(&run.value)),
        None => {
            text.push('\n');
            text.push_str(&comment(
                "What turns source into a program, and when; leave it out where the program runs from its source.",
                "",
            ));
            text.push_str("# build: {run: [make, build], when: [\"src/**\"]}\n\n");
            text.push_str(&comment(
                "The program and its arguments. Without it the command of the baseline's container runs.",
                "",
            ));
            text.push_str("# run: [./server, --port, \"${port}\"]\n");
        }
    }
    if let Some(restart) = &draft.restart {
        key(
            text,
            &format!("What restarts the program without a build: {}.", restart.why),
            "restart",
            &list(&restart.value),
        );
    }
}

fn environment(text: &mut String, draft: &Draft) {
    if draft.env.is_empty() {
        return;
    }
    text.push('\n');
    text.push_str("env:\n");
    for (name, value) in &draft.env {
        text.push_str(&comment(&from(&value.why), "  "));
        text.push_str(&format!("  {name}: {}\n", scalar(&value.value)));
    }
}

/// What is about a running program.
fn life(text: &mut String, draft: &Draft) {
    if let Some(debug) = &draft.debug {
        key(
            text,
            &format!(
                "The debugger: {}. `devspace up` makes it reachable here.",
                debug.why
            ),
            "debug",
            &debug.value.to_string(),
        );
    }
    if let Some(hold) = draft.hold {
        key(
            text,
            "How long requests wait while the program is restarted.",
            "hold",
            hold,
        );
    }
}

fn key(text: &mut String, why: &str, name: &str, value: &str) {
    text.push('\n');
    text.push_str(&comment(why, ""));
    text.push_str(&format!("{name}: {value}\n"));
}

fn from(why: &str) -> String {
    format!("From: {why}.")
}
