//! Where a cluster's files are, and the few names and addresses that its parts agree on.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{go_tools, places};

/// The name of the only node.
pub(crate) const NODE: &str = "devspace-node";
/// The address of the node, and of the API server inside the namespaces.
pub(crate) const NODE_IP: &str = "10.99.0.1";
/// The API server's port inside the namespaces.
pub(crate) const API_PORT: u16 = 6443;
/// The range of Service addresses.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";
/// The address of Service `kubernetes`: the first of the range.
pub(crate) const API_SERVICE_IP: &str = "10.96.0.1";
/// The address of Service `kube-dns`, which every pod's resolver asks.
pub(crate) const DNS_IP: &str = "10.96.0.10";
/// The range of pod addresses.
pub(crate) const POD_RANGE: &str = "10.244.0.0/16";
/// Where containerd listens, inside the cluster's own mount namespace.
pub(crate) const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// The folder of one cluster's state.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The cluster that the environment names.
    ///
    /// # Errors
    /// The state folder's path cannot be made absolute.
    pub(crate) fn current() -> Result<Self> {
        Ok(Self::at(places::cluster_state()?))
    }

    /// The cluster whose state is in this folder.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The state folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path under the state folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path under the state folder as text, for command lines and configuration files.
    pub(crate) fn text(&self, relative: &str) -> String {
        self.path(relative).to_string_lossy().into_owned()
    }

    /// The name of this cluster's own control group, so that several clusters share a machine.
    pub(crate) fn control_group(&self) -> String {
        format!(
            "devspace-{}",
            go_tools::key_of(&[self.root.as_os_str().as_encoded_bytes()])
        )
    }

    /// The kubeconfig for programs outside the namespaces.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// The kubeconfig for programs inside the namespaces.
    pub(crate) fn inside_kubeconfig(&self) -> PathBuf {
        self.path("pki/admin.kubeconfig")
    }

    /// The socket on which PID 1 of the namespaces answers.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.path("control.sock")
    }

    /// The file with the process id, as the machine sees it, of the `unshare` that made the namespaces.
    pub(crate) fn pid_file(&self) -> PathBuf {
        self.path("pid")
    }
}
