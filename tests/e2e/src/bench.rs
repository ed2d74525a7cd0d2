//! Benchmarks on the test cluster. They use the harness of the tests, and write what they measured as JSON.

mod local;
mod median;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Benchmarks on the test cluster.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub enum Arguments {
    /// A warm `devspace up` of the sample's package: image present, cache of an earlier `up` kept, no build due.
    Up {
        /// Measured runs, after one that warms.
        #[arg(long, default_value_t = 10)]
        runs: usize,
        /// Where the numbers go.
        #[arg(long)]
        results: PathBuf,
    },
    /// A save on the local engine until the first new response, beside the program's own restart.
    LocalLoop {
        /// Saves.
        #[arg(long, default_value_t = 30)]
        saves: usize,
        /// Where the numbers go.
        #[arg(long)]
        results: PathBuf,
    },
}

/// Runs one. The exit code says whether the product is as quick as it must be.
///
/// # Errors
/// It cannot be measured.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments {
        Arguments::Up { runs, results } => up::run(runs, &results).await,
        Arguments::LocalLoop { saves, results } => local::run(saves, &results).await,
    }
}
