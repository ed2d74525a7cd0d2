//! The program `devspace-proxy`: the router of one baseline.

mod admin;
mod args;
mod listen;
mod logging;
mod publish;
mod run;
mod state;
mod view;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    logging::start();
    match run::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = logging::chain(&error), "stopped by an error");
            ExitCode::FAILURE
        }
    }
}
