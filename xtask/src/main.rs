//! `cargo xtask VERB`: every task of the project, spelled once.

mod bench;
mod cluster;
mod codegen;
mod demo;
mod go_tools;
mod host;
mod images;
mod places;
mod process;
mod say;
mod test;
mod wait;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Every task of the project. Each verb explains itself with --help.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A throwaway real Kubernetes on this machine, in private namespaces.
    #[command(subcommand)]
    Cluster(cluster::Verb),
    /// Build container images from the repository's Dockerfiles, where their inputs have changed.
    Images(images::Arguments),
    /// Show the main job end to end with real requests.
    Demo(demo::Arguments),
    /// Write what is generated from code: the custom resource definitions of the chart.
    Codegen,
    /// Run every check and every test, on a cluster too where one can be.
    Test(test::Arguments),
    /// Measure on the test cluster.
    #[command(subcommand)]
    Bench(bench::Verb),
    /// PID 1 of a cluster's namespaces; started by `cluster up`.
    #[command(hide = true)]
    ClusterInit(cluster::init::Arguments),
}

fn main() -> ExitCode {
    let verb = Arguments::parse().verb;
    let result = places::remember_program().and_then(|()| run(verb));
    result.unwrap_or_else(|error| {
        say::error(&error);
        ExitCode::FAILURE
    })
}

fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Cluster(verb) => cluster::run(verb),
        Verb::Images(arguments) => images::run(&arguments).map(|()| ExitCode::SUCCESS),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Codegen => codegen::run().map(|()| ExitCode::SUCCESS),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Bench(verb) => bench::run(&verb),
        Verb::ClusterInit(arguments) => cluster::init::run(&arguments),
    }
}
