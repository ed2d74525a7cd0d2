//! Programs of the end-to-end tests, run as pods.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    devspace_e2e::pod::run(devspace_e2e::pod::Arguments::parse()).await
}
