//! `cargo xtask bench`: measurements on the test cluster. Numbers go to `bench/results`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::places;
use crate::process::{self, command};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// A warm `devspace up` of the sample's package, by phases. Fails when it is slower than it must be.
    Up {
        /// Measured runs.
        #[arg(long, default_value_t = 10)]
        runs: usize,
    },
}

/// Measures. Cluster and images must be there: `cargo xtask cluster up`, `cargo xtask images --load`.
///
/// # Errors
/// A program cannot be built or started.
pub(crate) fn run(verb: &Verb) -> Result<ExitCode> {
    // As in the tests, so that what they compiled is used.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = command(cargo, ["build", "--quiet", "--workspace", "--all-targets"]);
    build.current_dir(places::repository());
    process::output(&mut build)?;
    let own = places::program()?;
    let folder = own.parent().context("this program is in no folder")?;
    let Verb::Up { runs } = verb;
    let results = places::repository().join("bench/results/up.json");
    let mut bench = command(
        folder.join("e2e-bench"),
        ["up", "--runs", &runs.to_string(), "--results"],
    );
    bench
        .arg(results)
        .env("DEVSPACE_E2E_CLI", folder.join("devspace"))
        .env("DEVSPACE_XTASK", own);
    let status = bench.status().context("cannot start the benchmark")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
