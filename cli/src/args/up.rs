//! `devspace up`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::TargetArgs;

/// Put a service's folder into your space: copy, sync, build, run, route, and follow the folder
///
/// Makes the space if needed, copies the baseline's workload, syncs the folder that `devspace.yaml` describes, builds and
/// runs it in the copy, routes the space's requests to it, prints the program's lines, and keeps the copy equal to the
/// folder. Ctrl-c detaches: the copy runs on until `devspace down`. A second `up` of the same copy takes over.
///
/// If the program fails to build, ends, or is not ready before it was ready once, `up` ends with exit code 3.
/// After that, failures are shown and `up` waits for the next save.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Folders with a `devspace.yaml`, one service each [default: this folder]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the copies go.
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Run this image as it is, without the agent, and do not follow the folder
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Leave once requests reach the copy
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Only print what would be written to the cluster
    ///
    /// A developer cannot read the baseline's workloads. So what the copy drops or changes of the baseline's template is
    /// shown from the copy's status, if the copy exists already.
    #[arg(long)]
    pub(crate) plan: bool,
    /// How long everything up to the first request that reaches the copy may take
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = super::duration)]
    pub(crate) timeout: Duration,
}
