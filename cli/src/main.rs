//! The program `devspace`: arguments, operations, the `up` loop as a pure step function with effects, printer, engines.

mod args;
mod commands;
mod engine;
mod event;
mod exit;
mod init;
mod nearest;
mod ops;
mod printer;
mod project;
mod report;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main().into()
}
