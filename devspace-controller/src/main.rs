//! The program `devspace-controller`: observe, plan, apply, status.

mod admin;
mod baseline;
mod cluster;
mod context;
mod copy;
mod leader;
mod logging;
mod metrics;
mod retries;
mod runner;
mod settings;
mod space;
mod uninstall;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::settings::{Arguments, Verb};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start();
    let outcome = match arguments.verb {
        None | Some(Verb::Run) => runner::start(arguments.settings).await,
        Some(Verb::Uninstall(ref options)) => uninstall::start(arguments.settings, options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = logging::chain(error.as_ref()), "stopped by an error");
            ExitCode::FAILURE
        }
    }
}
