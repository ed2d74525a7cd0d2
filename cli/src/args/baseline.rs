//! `devspace baseline`: the admin's verbs.

use std::time::Duration;

use clap::{Args, Subcommand};

/// Choose which Services of a baseline pass the router (for admins)
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
    #[arg(
        short,
        long,
        global = true,
        env = "DEVSPACE_BASELINE",
        value_name = "NAMESPACE"
    )]
    pub(crate) baseline: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

/// What can be done with a baseline.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Intercept Services; makes the Baseline object if the namespace has none
    Enable(EnableArgs),
    /// Stop intercepting Services; the Baseline object stays
    Disable(EnableArgs),
    /// Show for each Service whether it is intercepted, plain, contended or refused, and why
    Status,
    Restore(RestoreArgs),
}

/// Which Services.
#[derive(Debug, Args)]
pub(crate) struct EnableArgs {
    /// Services
    #[arg(
        value_name = "SERVICE",
        conflicts_with = "all",
        required_unless_present = "all"
    )]
    pub(crate) services: Vec<String>,
    /// Every Service of the namespace
    #[arg(long)]
    pub(crate) all: bool,
    /// Public host of the application; may be given again [default: the hosts of the namespace's Ingress objects]
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// How long to wait until the cluster did it
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = super::duration)]
    pub(crate) timeout: Duration,
}

/// Put every intercepted Service back from the record it carries, with nothing of ours needed
///
/// Works when controller, router and custom resources are gone: it reads the Services and patches them. A controller that
/// is alive would intercept them again, so disable the Services or uninstall first.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Only print what would be patched
    #[arg(long)]
    pub(crate) plan: bool,
    /// Also take our finalizers off Baseline, Space and ServiceCopy objects, so that they can be deleted with no controller
    #[arg(long)]
    pub(crate) finalizers: bool,
}
