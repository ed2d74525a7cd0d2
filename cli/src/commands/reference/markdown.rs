//! The page `docs/reference/cli.md`, from the arguments themselves.

use std::fmt::Write;

use clap::Command;

use crate::exit::Exit;

/// Events with what they mean, in the order of a life.
const EVENTS: &[(&str, &str)] = &[
    (
        "engine",
        "where the command works: `engine`, `context`, `server`, `baseline`, `space`, and what named each: `engine_by`, `baseline_by`, `chosen_by`",
    ),
    (
        "space",
        "the space is there: `space`, `baseline`, `namespace`, `created`, `seconds`",
    ),
    (
        "plan",
        "with `--plan`: `object` would be written; `changes` is what the copy dropped or changed of the template",
    ),
    (
        "pod",
        "the copy's agent answers: `pod`, `seconds` since the start",
    ),
    (
        "syncing",
        "files are on their way: `files_done`, `files`, `bytes_done`, `bytes`",
    ),
    (
        "synced",
        "a batch is in the copy: `revision`, `files`, `deleted`, `bytes`, `seconds`",
    ),
    ("in_sync", "folder and copy are proven equal at `revision`"),
    ("building", "a build began"),
    ("build_output", "a `line` of the build"),
    ("built", "the build ended well: `revision`, `seconds`"),
    (
        "build_failed",
        "the build failed: `status`, `last_lines`; a program that ran before keeps running",
    ),
    ("starting", "the program is being started from `revision`"),
    (
        "live",
        "every request from now on is answered from `revision`; `seconds` since the save (null if another session sent it), `restart_seconds`, `first` before the copy was up",
    ),
    (
        "routed",
        "every ready router sends the space's requests to the copy: `seconds` since the start",
    ),
    (
        "up",
        "the copy is up: `pod_seconds`, `files`, `build_seconds`, `seconds`",
    ),
    ("url", "the application as the space sees it"),
    (
        "tunnel",
        "local ways to the space: `browser` (`http://SPACE.localhost:PORT`), `address` (`http://127.0.0.1:PORT`)",
    ),
    ("debug", "the program's debugger is reachable at `address`"),
    ("watching", "everything is up; the folders are followed"),
    (
        "output",
        "a `line` of the program, `stream` is `stdout` or `stderr`",
    ),
    (
        "exited",
        "the program ended by itself: `status`, `last_lines`, `crash_loop`",
    ),
    ("taken_over", "another `devspace up` follows the copy: `by`"),
    ("disconnected", "the connection to the copy is lost: `reason`"),
    ("reconnected", "it is back after `seconds`"),
    ("halted", "syncing stopped to keep the copy's files: `reason`"),
    ("detached", "the command leaves, the copies run on: `services`"),
    ("removed", "an object was removed: `kind`, `name`, `namespace`"),
    ("requests_go_to", "who answers from now on: `target`"),
    ("selected", "a space was chosen for later commands"),
    ("log", "a `line` of a log"),
    (
        "found",
        "`init` found `what`: `value`, and `from` where it was said",
    ),
    (
        "wrote",
        "`init` wrote the file at `path`; `replaced` where there was one",
    ),
    (
        "left",
        "`init` left the file at `path` as it is: `why`; `text` is what to add by hand",
    ),
    (
        "copy",
        "a row of `status`: `service`, `phase`, `routed`, `revision`, `in_sync` (null unless compared with this folder), `drift`, `pod`, `message`, `changes`",
    ),
    (
        "space_info",
        "a row of `list`: `space`, `owner`, `parent`, `services`, `url`, `ready`",
    ),
    ("router", "the router of a baseline: `ready`, `desired`, `hosts`"),
    (
        "interception",
        "a row of `baseline status`: `service`, `state`, `reason`, `message`",
    ),
    (
        "restored",
        "a Service was put back, or with `done` false would be",
    ),
    (
        "local_engine",
        "the daemon of the local engine: `version`, `pid`, `state`, `log`, `started` by this command",
    ),
    (
        "local_stopped",
        "the daemon is gone with all that it ran: `pid`, null if there was none",
    ),
    (
        "workspace",
        "a workspace of the local engine: `workspace`, `file`, `url` of its gateway, `port_note` if the port asked for was taken",
    ),
    (
        "local_service",
        "a service of a workspace, as it changes and as a row: `workspace`, `service`, `phase`, `url`, `crashes`, `message`",
    ),
    ("next", "what to try next: `commands`"),
    (
        "used",
        "an engine was chosen for later commands: `engine`, `context`, `file`",
    ),
    ("forwarding", "`port` of a copy is reachable here at `address`"),
    (
        "setting",
        "a row of `config`: `key`, `value`, `origin`, `ways` to set it, strongest first",
    ),
    ("written", "a manual page was written: `file`"),
    (
        "version",
        "versions: `devspace`, `objects`, `local` of the local engine's daemon if one runs",
    ),
    ("warning", "something to know: `message`"),
    (
        "error",
        "the command failed: `code`, `message`, `causes`, `hint`, `block`, `exit`",
    ),
];

/// The whole page.
pub(super) fn page(command: &Command) -> String {
    let mut page = String::from(
        "# The command line\n\nGenerated by `devspace reference`. A test fails when it is stale.\n",
    );
    let mut command = command.clone();
    command.build();
    section(&mut page, &command, "devspace");
    page.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for (exit, meaning) in Exit::ALL {
        line(&mut page, format_args!("| {} | {meaning} |", exit.code()));
    }
    page.push_str("| other | `devspace exec` passes the code of the command that it ran |\n");
    page.push_str(
        "\n## Events\n\nWith `--output json` every verb prints one event a line on standard output: `{\"v\":1,\"event\":NAME,…}`. \
         Events of a copy have `service`. Durations are seconds. Fields are added, never renamed; what must change gets a new `v`.\n\n\
         | event | meaning |\n| --- | --- |\n",
    );
    for (name, meaning) in EVENTS {
        line(&mut page, format_args!("| `{name}` | {meaning} |"));
    }
    page
}

fn section(page: &mut String, command: &Command, path: &str) {
    let help = command.clone().term_width(100).render_long_help();
    line(
        page,
        format_args!("\n## `{path}`\n\n```text\n{}\n```", help.to_string().trim_end()),
    );
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(page, verb, &format!("{path} {}", verb.get_name()));
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    /// Regenerate with `devspace reference > docs/reference/cli.md`.
    #[test]
    fn the_page_in_docs_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/cli.md");
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == page(&Cli::command()),
            "{file} is stale: devspace reference > docs/reference/cli.md"
        );
    }

    #[test]
    fn every_event_is_documented() {
        let source = include_str!("../../event.rs");
        for line in source
            .lines()
            .skip_while(|line| !line.starts_with("pub(crate) enum Event"))
        {
            let Some(name) = line
                .strip_prefix("    ")
                .filter(|rest| rest.starts_with(char::is_uppercase))
            else {
                continue;
            };
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            let snake = name.char_indices().fold(String::new(), |snake, (index, letter)| {
                let gap = if index > 0 && letter.is_uppercase() {
                    "_"
                } else {
                    ""
                };
                snake + gap + &letter.to_lowercase().to_string()
            });
            assert!(
                EVENTS.iter().any(|(event, _)| *event == snake),
                "event `{snake}` is not documented"
            );
        }
    }
}
