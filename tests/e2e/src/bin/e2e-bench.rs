//! Benchmarks on the test cluster; `cargo xtask bench` runs them.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    devspace_e2e::bench::run(devspace_e2e::bench::Arguments::parse()).await
}
