//! Format, lints, charts.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::Done;
use crate::process::command;
use crate::{go_tools, places, process};

/// The repository's Cargo workspaces: ours, and that of the sample.
fn workspaces() -> [PathBuf; 2] {
    [
        places::repository(),
        places::repository().join("samples/delivery"),
    ]
}

/// A cargo command in a folder.
pub(super) fn cargo(folder: &PathBuf, arguments: &[&str]) -> Command {
    let mut cargo = command(
        std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        arguments,
    );
    cargo.current_dir(folder);
    cargo
}

/// Runs a command with its output shown as it comes.
///
/// # Errors
/// It cannot be started, or fails.
pub(super) fn shown(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", process::shown(command)))?;
    anyhow::ensure!(
        status.success(),
        "`{}` ended with {status}",
        process::shown(command)
    );
    Ok(())
}

pub(super) fn format() -> Result<Done> {
    for folder in workspaces() {
        shown(&mut cargo(&folder, &["fmt", "--all", "--check"]))?;
    }
    Ok(Done::Passed)
}

pub(super) fn clippy() -> Result<Done> {
    for folder in workspaces() {
        shown(&mut cargo(
            &folder,
            &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ))?;
    }
    Ok(Done::Passed)
}

pub(super) fn charts() -> Result<Done> {
    let helm = go_tools::ALL
        .iter()
        .find(|tool| tool.name == "helm3")
        .context("no Helm 3 among the tools")?
        .built()?;
    let charts = places::repository().join("charts");
    for chart in ["devspace", "delivery"] {
        shown(command(&helm, ["lint", "--strict"]).arg(charts.join(chart)))?;
    }
    Ok(Done::Passed)
}

/// What a stranger types first must work.
pub(super) fn demo() -> Result<Done> {
    shown(&mut command(places::program()?, ["demo", "--check"]))?;
    Ok(Done::Passed)
}
