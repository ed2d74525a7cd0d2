//! `cargo xtask demo`: the main job end to end, shown with real requests.

mod child;
mod cluster;
mod cluster_stage;
mod local;
mod local_stage;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::places::{self, make_folder};
use crate::process::{self, command};

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// On the test cluster, which is started when it does not run.
    #[arg(long)]
    cluster: bool,
    /// Do it unattended: leave as soon as everything was shown, and fail if anything was not as it must be.
    #[arg(long)]
    check: bool,
}

/// Shows what the product does: on this machine alone, or on a cluster.
///
/// # Errors
/// A step fails; the message names it and what was seen.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.cluster {
        cluster::run(arguments.check)
    } else {
        local::run(arguments.check)
    }
}

fn build_cli() -> Result<PathBuf> {
    let root = places::repository();
    process::output(command("cargo", ["build", "--quiet", "--package", "devspace-cli"]).current_dir(&root))?;
    let metadata = ["metadata", "--format-version=1", "--no-deps", "--offline"];
    let metadata = process::text(command("cargo", metadata).current_dir(&root))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is no JSON")?;
    let target = metadata
        .get("target_directory")
        .and_then(serde_json::Value::as_str);
    Ok(Path::new(target.context("cargo metadata names no target folder")?).join("debug/devspace"))
}

/// A folder for the demo's files, beside the cluster's state.
fn folder() -> Result<PathBuf> {
    let folder = places::repository().join(".devspace/demo");
    make_folder(&folder)?;
    Ok(folder)
}

/// A copy of a folder of the repository to edit, so that the demo changes nothing in the repository.
fn own_sources(from: &str, name: &str) -> Result<PathBuf> {
    let from = places::repository().join(from);
    let to = folder()?.join(name);
    let listed = process::text(command("git", ["ls-files"]).current_dir(&from))?;
    for name in listed.lines() {
        let target = to.join(name);
        make_folder(target.parent().context("a file has a folder")?)?;
        std::fs::copy(from.join(name), &target).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(to)
}

/// The month as the services count it, in UTC.
fn this_month() -> Result<String> {
    process::text(&mut command("date", ["-u", "+year=%Y&month=%-m"]))
}
