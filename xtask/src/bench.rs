//! `cargo xtask bench`: measurements, each with its bars. Numbers go to `bench/results`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::places;
use crate::process::{self, command};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// A warm `devspace up` of the sample's package, by phases. Fails when it is slower than it must be.
    /// Cluster and images must be there: `cargo xtask cluster up`, `cargo xtask images --load`.
    Up {
        /// Measured runs.
        #[arg(long, default_value_t = 10)]
        runs: usize,
    },
    /// A save until the first new response, beside the program's own restart. Fails when we add more than we may.
    Loop {
        /// On the local engine.
        #[arg(long)]
        local: bool,
        /// Saves.
        #[arg(long, default_value_t = 30)]
        saves: usize,
    },
}

/// Measures.
///
/// # Errors
/// A program cannot be built or started.
pub(crate) fn run(verb: &Verb) -> Result<ExitCode> {
    let (name, count, option, results) = match verb {
        Verb::Up { runs } => ("up", runs, "--runs", "up.json"),
        Verb::Loop { local: true, saves } => ("local-loop", saves, "--saves", "loop-local.json"),
        Verb::Loop { local: false, .. } => bail!("say where: `cargo xtask bench loop --local`"),
    };
    let folder = build(verb)?;
    let mut bench = command(
        folder.join("e2e-bench"),
        [name, option, &count.to_string(), "--results"],
    );
    bench
        .arg(places::repository().join("bench/results").join(results))
        .env("DEVSPACE_E2E_CLI", folder.join("devspace"))
        .env("DEVSPACE_XTASK", places::program()?);
    let status = bench.status().context("cannot start the benchmark")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds what the benchmark runs. Answers the folder that holds it.
fn build(verb: &Verb) -> Result<PathBuf> {
    let wanted: &[&str] = match verb {
        // As in the tests, so that what they compiled is used: there the cluster takes nearly all of the time.
        Verb::Up { .. } => &["--workspace", "--all-targets"],
        // As people run it: here our own part is all that is measured.
        Verb::Loop { .. } => &[
            "--profile",
            "image",
            "--package",
            "devspace-cli",
            "--package",
            "devspace-e2e",
            "--bins",
        ],
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = command(cargo, [&["build", "--quiet"], wanted].concat());
    build.current_dir(places::repository());
    process::output(&mut build)?;
    let own = places::program()?;
    let debug = own.parent().context("this program is in no folder")?;
    Ok(match verb {
        Verb::Up { .. } => debug.to_owned(),
        Verb::Loop { .. } => debug.with_file_name("image"),
    })
}
