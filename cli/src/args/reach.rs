//! `devspace forward`, `devspace open` and `devspace config`: ways to a copy, and where values come from.

use std::str::FromStr;

use clap::{Args, Subcommand};

use super::TargetArgs;

/// Make a port of a copy reachable on this machine, until ctrl-c
#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    /// Port here and port of the copy; one number stands for both
    #[arg(value_name = "LOCAL:REMOTE")]
    pub(crate) ports: Ports,
    /// Service [default: that of `devspace.yaml` in this folder]
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Where the copy is.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// `LOCAL:REMOTE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// The port here; 0 for any.
    pub(crate) local: u16,
    /// The port of the copy.
    pub(crate) remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, remote) = text.split_once(':').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().ok();
        match (port(local), port(remote)) {
            (Some(local), Some(remote)) if remote > 0 => Ok(Self { local, remote }),
            _ => Err("write it as LOCAL:REMOTE, two ports, for example 9000:8080".to_owned()),
        }
    }
}

/// Print the address of the application as a space sees it, and open it in a browser
///
/// It is opened where there is a display.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// Only print it
    #[arg(long)]
    pub(crate) print: bool,
    /// Which space.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// What can be asked of the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value in use and where it came from
    Show {
        /// Which space.
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Show one value, where it came from, and what else could set it
    Explain {
        /// The value
        #[arg(value_name = "KEY")]
        key: ConfigKey,
        /// Which space.
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// A value that has an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ConfigKey {
    /// Where spaces live
    Engine,
    /// Context of the kubeconfig
    Context,
    /// Your name, as the engine sees you
    User,
    /// The baseline, by its namespace
    Baseline,
    /// The space
    Space,
    /// The service of this folder
    Service,
    /// Your own file
    UserFile,
    /// State folder of the local engine
    LocalState,
}
