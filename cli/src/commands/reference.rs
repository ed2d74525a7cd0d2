//! Verbs that need no cluster: `version`, `completions`, and the hidden `reference`, `schema` and `man`.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Invocation;
use super::engine::state_folder;
use crate::args::Cli;
use crate::engine::local::connect;
use crate::event::Event;
use crate::exit::Exit;
use crate::project;
use crate::report::{AnyReport, Report};

mod markdown;

/// `devspace version`.
pub(super) async fn version(invocation: &mut Invocation) -> Result<Exit, AnyReport> {
    // Asking the daemon costs nothing; asking a cluster may cost seconds.
    let local = match state_folder() {
        Ok(state) => connect(&state).await.ok(),
        Err(_) => None,
    };
    let objects = format!("{}/{}", devspace_api::GROUP, devspace_api::VERSION);
    invocation.printer.event(&Event::Version {
        devspace: env!("CARGO_PKG_VERSION"),
        objects,
        local: local.map(|local| local.daemon().version.clone()),
    })?;
    Ok(Exit::Ok)
}

/// `devspace completions SHELL`.
pub(super) fn completions(
    invocation: &mut Invocation,
    shell: clap_complete::Shell,
) -> Result<Exit, AnyReport> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "devspace", &mut script);
    invocation.printer.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}

/// `devspace reference`: the Markdown page of `docs/reference/cli.md`.
pub(super) fn reference(invocation: &mut Invocation) -> Result<Exit, AnyReport> {
    invocation.printer.text(&markdown::page(&Cli::command()))?;
    Ok(Exit::Ok)
}

/// `devspace schema`.
pub(super) fn schema(invocation: &mut Invocation) -> Result<Exit, AnyReport> {
    invocation.printer.text(&format!("{:#}", project::schema()))?;
    Ok(Exit::Ok)
}

/// `devspace man DIR`: one page for each verb, `devspace-up.1` and so on.
pub(super) fn man(invocation: &mut Invocation, folder: &Path) -> Result<Exit, AnyReport> {
    let mut command = Cli::command();
    command.build();
    std::fs::create_dir_all(folder).map_err(|source| ManError {
        file: folder.to_owned(),
        source,
    })?;
    pages(invocation, folder, &command, "devspace")
}

/// The page of `command` and those of its verbs.
fn pages(
    invocation: &mut Invocation,
    folder: &Path,
    command: &clap::Command,
    name: &str,
) -> Result<Exit, AnyReport> {
    let file = folder.join(format!("{name}.1"));
    let failed = |source| ManError {
        file: file.clone(),
        source,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .source(concat!("devspace ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(failed)?;
    std::fs::write(&file, page).map_err(failed)?;
    invocation.printer.event(&Event::Written {
        file: file.display().to_string(),
    })?;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages(invocation, folder, verb, &format!("{name}-{}", verb.get_name()))?;
    }
    Ok(Exit::Ok)
}

/// A page that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", file.display())]
struct ManError {
    file: PathBuf,
    source: std::io::Error,
}

impl Report for ManError {
    fn code(&self) -> &'static str {
        "man_page"
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }
}
