//! What was typed. Nothing here has effects; [`crate::settings`] makes it mean something.
//!
//! The doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::EngineKind;

mod baseline;
mod init;
mod local;
mod reach;
mod space;
mod up;

pub(crate) use baseline::{BaselineArgs, BaselineCommand, EnableArgs, RestoreArgs};
pub(crate) use init::InitArgs;
pub(crate) use local::{LocalCommand, LocalStartArgs, UseArgs};
pub(crate) use reach::{ConfigCommand, ConfigKey, ForwardArgs, OpenArgs};
pub(crate) use space::{SpaceCommand, SpaceCreateArgs, target};
pub(crate) use up::UpArgs;

/// Run your change of one service inside the shared application, in a space of your own.
#[derive(Debug, Parser)]
#[command(
    name = "devspace",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused by input or cluster, 2 devspace failed, \
3 your code failed to build, start or become ready in time, 64 wrong arguments or `devspace.yaml`; `exec` passes the command's code."
)]
pub(crate) struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// The verb.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArgs {
    /// Form of the output: lines for people, or one versioned JSON event a line
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, value_name = "FORM", help_heading = "Global options")]
    pub(crate) output: Output,
    /// Where spaces live [default: what `devspace use` chose, else a cluster]
    #[arg(
        long,
        global = true,
        value_enum,
        env = "DEVSPACE_ENGINE",
        value_name = "ENGINE",
        help_heading = "Global options"
    )]
    pub(crate) engine: Option<EngineKind>,
    /// Kubeconfig file [default: that of kubectl]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: what `devspace use kube` chose, else its current one]
    #[arg(
        long,
        global = true,
        env = "DEVSPACE_CONTEXT",
        value_name = "NAME",
        help_heading = "Global options"
    )]
    pub(crate) context: Option<String>,
    /// Only data and errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Log what devspace itself does to standard error; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Lines for people.
    Text,
    /// One versioned event a line.
    Json,
}

/// Which space of which baseline.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TargetArgs {
    /// Space [default: the selected one, else one named after your user]
    #[arg(short, long, env = "DEVSPACE_SPACE", value_name = "NAME")]
    pub(crate) space: Option<String>,
    /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
    #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
    pub(crate) baseline: Option<String>,
}

/// Which copy.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CopyArgs {
    /// Where the copy is.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Service [default: that of `devspace.yaml` in this folder]
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Up(UpArgs),
    Down(DownArgs),
    Status(StatusArgs),
    List(ListArgs),
    Logs(LogsArgs),
    Exec(ExecArgs),
    Forward(ForwardArgs),
    Open(OpenArgs),
    /// Make, choose, show and delete spaces
    #[command(subcommand)]
    Space(SpaceCommand),
    Baseline(BaselineArgs),
    /// Run an application's services and your copies on this machine, without a cluster
    #[command(subcommand)]
    Local(LocalCommand),
    Use(UseArgs),
    /// Show the values in use and where they come from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version of devspace and of the objects that it speaks
    Version,
    /// Print the reference of all verbs, exit codes and events as Markdown
    #[command(hide = true)]
    Reference,
    /// Print the JSON schema of `devspace.yaml`
    #[command(hide = true)]
    Schema,
    /// Write the manual pages of all verbs into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Remove copies from a space; requests then go to the parent space or the baseline
///
/// The cache volume of a copy stays until its space is deleted.
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// Services [default: that of `devspace.yaml` in this folder]
    #[arg(value_name = "SERVICE", conflicts_with = "all")]
    pub(crate) services: Vec<String>,
    /// Every copy in the space
    #[arg(long)]
    pub(crate) all: bool,
    /// Where the copies are.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// How long to wait until they are gone
    #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: std::time::Duration,
}

/// Show the engine in use and the copies in a space: phase, revision, drift, pod
///
/// In the folder of a copied service it also says whether the folder and the copy are equal, by comparing them.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Which space.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// List the spaces of a baseline: owner, parent, services, age, URL
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Everybody's spaces, not only yours
    #[arg(long)]
    pub(crate) all: bool,
    /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
    #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
    pub(crate) baseline: Option<String>,
}

/// Print what a copy's program wrote
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Which copy.
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    /// Go on with new lines, over restarts of the pod
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines of the past [default: all]
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<u32>,
}

/// Run a command in a copy's container; its exit code becomes that of devspace
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Which copy.
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// A duration as `90s`, `10m` or `1h30m`, for clap.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    match crate::project::parse_duration(text) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("write it as `90s`, `10m` or `1h30m`".to_owned()),
    }
}

#[cfg(test)]
mod tests;
