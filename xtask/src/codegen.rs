//! `cargo xtask codegen`: what is generated from code and kept in the repository.

use std::process::Command;

use anyhow::Result;

use crate::{places, process, say};

/// Where the chart keeps the custom resource definitions.
const DEFINITIONS: &str = "charts/devspace/templates/crds";

/// Writes everything that is generated. Tests fail where it is stale.
pub(crate) fn run() -> Result<()> {
    let folder = places::repository().join(DEFINITIONS);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(places::repository());
    cargo
        .args([
            "run",
            "--quiet",
            "--package",
            "devspace-api",
            "--example",
            "crds",
            "--",
        ])
        .arg(&folder);
    process::output(&mut cargo)?;
    say::line(format!("wrote {DEFINITIONS}"));
    Ok(())
}
