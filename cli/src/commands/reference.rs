//! Verbs that need no cluster: `version`, `completions`, and the hidden `reference` and `schema`.

use clap::CommandFactory;

use super::Invocation;
use crate::args::Cli;
use crate::event::Event;
use crate::exit::Exit;
use crate::project;
use crate::report::AnyReport;

mod markdown;

/// `devspace version`.
pub(super) fn version(invocation: &mut Invocation) -> Result<Exit, AnyReport> {
    let objects = format!("{}/{}", devspace_api::GROUP, devspace_api::VERSION);
    invocation.printer.event(&Event::Version {
        devspace: env!("CARGO_PKG_VERSION"),
        objects,
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
