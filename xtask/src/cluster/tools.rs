//! A running cluster for other verbs of xtask: its programs with the kubeconfig for outside, its forwards and users.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::layout::Layout;
use super::{forward, up, user};
use crate::process::command;
use crate::say;

/// A cluster that runs.
pub(crate) struct Tools {
    layout: Layout,
}

/// Starts the cluster where it does not run.
///
/// # Errors
/// It does not start.
pub(crate) fn ready() -> Result<Tools> {
    let layout = Layout::current()?;
    if let up::Found::Started(time) = up::up(&layout)? {
        say::progress(format!("the cluster is ready after {:.1} s", time.as_secs_f64()));
    }
    Ok(Tools { layout })
}

impl Tools {
    /// The admin's kubeconfig for programs outside the namespaces.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// One of the cluster's programs (`kubectl`, `helm3`, `helm4`), run outside with the admin's rights.
    pub(crate) fn command<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut made = command(self.layout.path("bin").join(program), arguments);
        made.env("KUBECONFIG", self.kubeconfig());
        made
    }

    /// Opens a port of this machine that leads to NAMESPACE/SERVICE:PORT. Answers its address.
    ///
    /// # Errors
    /// The Service is not there.
    pub(crate) fn forward(&self, target: &str) -> Result<String> {
        let arguments = forward::Arguments {
            local_port: 0,
            target: target.to_owned(),
        };
        Ok(forward::open(&self.layout, &arguments)?.to_string())
    }

    /// A kubeconfig for a user with this group.
    ///
    /// # Errors
    /// The certificate cannot be made.
    pub(crate) fn user(&self, name: &str, group: &str) -> Result<String> {
        user::kubeconfig(&self.layout, &user::Arguments::new(name, group))
    }
}
