//! The policy for dependencies, checked by cargo-deny: one of the machine, else one of our own in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::Done;
use super::checks::{cargo, shown};
use crate::process::{self, command};
use crate::{places, say};

/// The version that is installed where the machine has none.
const VERSION: &str = "0.20.2";

pub(super) fn policy() -> Result<Done> {
    let program = program()?;
    shown(&mut deny(&program, &["check", "bans", "licenses", "sources"]))?;
    Ok(Done::Passed)
}

pub(super) fn advisories() -> Result<Done> {
    let program = program()?;
    let fetched = process::raw_output(&mut deny(&program, &["fetch", "db"]))?;
    if !fetched.status.success() {
        return Ok(Done::Skipped(
            "the advisory database cannot be reached from here".to_owned(),
        ));
    }
    shown(&mut deny(&program, &["check", "advisories"]))?;
    Ok(Done::Passed)
}

fn deny(program: &PathBuf, arguments: &[&str]) -> Command {
    let mut deny = command(program, ["--workspace"]);
    deny.args(arguments).current_dir(places::repository());
    deny
}

fn program() -> Result<PathBuf> {
    if process::succeeds(&mut command("cargo-deny", ["--version"])) {
        return Ok("cargo-deny".into());
    }
    let folder = places::cache()?
        .join("tools")
        .join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        say::progress(format!(
            "installing cargo-deny {VERSION} (once; kept in {})",
            folder.display()
        ));
        // Without optimisation it compiles in a third of the time, and it runs for seconds.
        let mut install = cargo(
            &places::repository(),
            &["install", "cargo-deny", "--locked", "--debug", "--quiet"],
        );
        install
            .args(["--version", VERSION, "--root"])
            .arg(&folder)
            .env_remove("CARGO_TARGET_DIR");
        shown(&mut install).context("cannot install cargo-deny from crates.io")?;
    }
    Ok(program)
}
