//! `devspace init`.

use std::path::PathBuf;

use clap::Args;

/// Write the `devspace.yaml` of a service's folder from what its files say
///
/// Finds the language, how the service is built and run, and its port (Rust, Node and TypeScript, Go, Python, Maven, Gradle,
/// .NET; anything else gets a short file to fill in), and which service of the baseline in use it is. Comments in the file
/// say where each value came from. Where no baseline can be reached, the name is not checked, and the output says so.
///
/// On the local engine a folder that the application lacks can be added to its workspace file, so that `devspace up` has
/// something to copy. Files that exist are not overwritten without asking.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The service's folder
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    /// The baseline's service [default: the folder's, package's or image's name, whichever the baseline has]
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Write `.vscode/` too: a task for `devspace up`, a way to attach the debugger, the schema of `devspace.yaml`
    #[arg(long)]
    pub(crate) vscode: bool,
    /// Overwrite a `devspace.yaml` that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Add the folder to the workspace file of the local engine without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
    #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
    pub(crate) baseline: Option<String>,
}
