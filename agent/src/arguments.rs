//! The agent's command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Receives a developer's files in a copy's container, builds, runs and restarts the program.
#[derive(Debug, Parser)]
#[command(name = "devspace-agent", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the service's program for a session. Settings come by DEVSPACE_ variables.
    Run,
    /// Do nothing until SIGTERM.
    Pause,
    /// Copy this binary and make folders.
    Install {
        /// The folder that gets the binary.
        #[arg(long)]
        to: PathBuf,
        /// A folder to make; may be given several times.
        #[arg(long = "dir")]
        folders: Vec<PathBuf>,
    },
    /// Copy what the image holds at a sync target into the volume, once for each image.
    Seed {
        /// The sync target in the image.
        #[arg(long)]
        from: PathBuf,
        /// The folder of the volume that is mounted there in the service's container.
        #[arg(long)]
        to: PathBuf,
    },
    /// Print the version.
    Version,
}
