//! `cargo xtask cluster`: a throwaway real Kubernetes on this machine.

mod components;
mod config;
mod control;
mod down;
mod forward;
pub(crate) mod init;
mod layout;
mod load;
mod namespace;
mod pki;
mod relay;
mod status;
mod supervisor;
mod tools;
mod up;
mod user;

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;

use self::control::Question;
use self::layout::Layout;
use self::namespace::Namespace;
pub(crate) use self::tools::{Tools, ready};
use crate::say;

/// What can be done with a cluster. `DEVSPACE_CLUSTER_STATE` names another cluster than the repository's own.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Start the cluster, and print how to reach it. Does nothing when it runs.
    Up,
    /// End the cluster and remove everything of it.
    Down,
    /// Show what runs, its versions, the node and the kubeconfig.
    Status {
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Bring images to the node: names that `cargo xtask images` built, or docker archives (.tar).
    Load {
        /// Image names or paths.
        #[arg(required = true)]
        images: Vec<String>,
    },
    /// Run a command inside the cluster's namespaces, with kubectl, helm, helm3, helm4 and ctr on its path.
    Exec {
        /// The command and its arguments, after `--`.
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
    /// Kill one component with -9 and start it again.
    Restart {
        /// The component, as `status` names it.
        name: String,
    },
    /// Kill one component with -9 and leave it down.
    Kill {
        /// The component, as `status` names it.
        name: String,
    },
    /// Start a component that is down.
    Start {
        /// The component, as `status` names it.
        name: String,
    },
    /// Print the path of the kubeconfig for programs outside the namespaces.
    Kubeconfig {
        /// Print the one for programs inside.
        #[arg(long)]
        inside: bool,
    },
    /// Print a kubeconfig for a user with a client certificate. The user has no rights until a binding names them.
    User(user::Arguments),
    /// Open a port of 127.0.0.1 that leads into the cluster, until it goes down; prints the address.
    Forward(forward::Arguments),
}

/// Does what was asked.
///
/// # Errors
/// Whatever kept it from being done, as a person would want to read it.
pub(crate) fn run(verb: Verb) -> Result<ExitCode> {
    let layout = Layout::current()?;
    match verb {
        Verb::Up => print_up(&layout)?,
        Verb::Down => down::down(&layout)?,
        Verb::Status { output } => return status::print(&layout, output),
        Verb::Load { images } => load::load(&layout, &images)?,
        Verb::Exec { command } => {
            let mut inside = Namespace::running(&layout)?.command(&layout, &command)?;
            return Err(inside.exec()).context("cannot start nsenter");
        }
        Verb::Restart { name } => print_component(&layout, &Question::Restart { name: name.clone() }, &name)?,
        Verb::Kill { name } => print_component(&layout, &Question::Kill { name: name.clone() }, &name)?,
        Verb::Start { name } => print_component(&layout, &Question::Start { name: name.clone() }, &name)?,
        Verb::Kubeconfig { inside } => {
            Namespace::running(&layout)?;
            let path = if inside {
                layout.inside_kubeconfig()
            } else {
                layout.kubeconfig()
            };
            say::line(path.to_string_lossy());
        }
        Verb::User(arguments) => say::line(user::kubeconfig(&layout, &arguments)?.trim_end()),
        Verb::Forward(arguments) => say::line(forward::open(&layout, &arguments)?.to_string()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings built images to the node of the running cluster.
///
/// # Errors
/// No cluster runs, or containerd refuses an image.
pub(crate) fn load_images(names: &[String]) -> Result<()> {
    load::load(&Layout::current()?, names)
}

fn print_up(layout: &Layout) -> Result<()> {
    match up::up(layout)? {
        up::Found::Running => say::progress("the cluster runs already"),
        up::Found::Started(time) => {
            say::progress(format!("the cluster is ready after {:.1} s", time.as_secs_f64()))
        }
    }
    say::line(format!("export KUBECONFIG={}", layout.kubeconfig().display()));
    say::line(format!("export PATH={}:$PATH", layout.path("bin").display()));
    Ok(())
}

fn print_component(layout: &Layout, question: &Question, name: &str) -> Result<()> {
    let control::Answer::Done { components, .. } = control::ask(layout, question, None)? else {
        return Ok(());
    };
    for component in components.iter().filter(|component| component.name == name) {
        say::line(status::component_line(component));
    }
    Ok(())
}
