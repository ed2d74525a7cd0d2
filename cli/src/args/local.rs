//! `devspace local` and `devspace use`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::settings::EngineKind;

/// Choose where later commands work: in a cluster, or on this machine
///
/// The choice is kept in your own file. `--engine`, $DEVSPACE_ENGINE, `--context` and `--kubeconfig` overrule it for one
/// command; `devspace status` says which one is in use and why.
#[derive(Debug, Args)]
pub(crate) struct UseArgs {
    /// The engine
    pub(crate) engine: EngineKind,
    /// With `kube`: context of the kubeconfig [default: its current one]
    #[arg(value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
}

/// What can be done with the local engine.
#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    Start(LocalStartArgs),
    /// Stop the local engine with every service and copy; their folders and addresses stay
    Stop {
        /// How long to wait until all is gone
        #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = super::duration)]
        timeout: Duration,
    },
    /// Show the local engine and its services: phase, address, what is wrong
    Status,
    /// Be the daemon
    #[command(hide = true)]
    Serve {
        /// Leave the terminal
        #[arg(long)]
        detached: bool,
    },
    /// Be the agent of one service or copy
    #[command(hide = true)]
    Agent,
}

/// Run a workspace's services on this machine, as a baseline
///
/// Finds the nearest `devspace.yaml` with `workspace` in FOLDER or above it, starts the local engine if it does not run,
/// and builds and runs every service of the workspace behind the router. The engine runs on when this command ends.
/// Called again it brings the services to what their folders hold then.
#[derive(Debug, Args)]
pub(crate) struct LocalStartArgs {
    /// Where to look for the workspace [default: this folder]
    #[arg(value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    pub(crate) folder: PathBuf,
    /// How long to wait for the services
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = super::duration)]
    pub(crate) timeout: Duration,
}
