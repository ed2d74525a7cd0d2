//! The test cluster: its API, its tools, and ways to hurt it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::process::Command;

use super::command;

/// Names the kubeconfig of the cluster to test on.
pub const KUBECONFIG: &str = "DEVSPACE_E2E_KUBECONFIG";

/// How long a tool of the cluster may take.
const TOOL: Duration = Duration::from_secs(180);

/// The cluster that the tests run on.
#[derive(Clone)]
pub struct Cluster {
    /// An admin's client.
    pub client: kube::Client,
    kubeconfig: PathBuf,
}

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

impl Cluster {
    /// Connects. Answers why there is nothing to connect to, where that is no fault: a laptop without a cluster.
    ///
    /// # Errors
    /// There is no cluster in CI, or there is one that cannot be used.
    pub async fn connect() -> Result<Result<Self, String>> {
        let path = kubeconfig_path();
        if !path.exists() {
            let reason = format!(
                "no cluster at {}: start one with `cargo xtask cluster up`",
                path.display()
            );
            anyhow::ensure!(std::env::var_os("CI").is_none(), "{reason}");
            return Ok(Err(reason));
        }
        let config = config(&path).await?;
        let client = kube::Client::try_from(config).context("cannot make a client")?;
        client
            .apiserver_version()
            .await
            .with_context(|| format!("the cluster of {} does not answer", path.display()))?;
        Ok(Ok(Self {
            client,
            kubeconfig: path,
        }))
    }

    /// The admin's kubeconfig, usable from outside the cluster's namespaces.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs Helm 3 on the cluster as admin.
    ///
    /// # Errors
    /// It failed.
    pub async fn helm3<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String> {
        command::output(&mut self.tool("helm3", arguments), TOOL).await
    }

    /// Runs Helm 4 on the cluster as admin.
    ///
    /// # Errors
    /// It failed.
    pub async fn helm4<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String> {
        command::output(&mut self.tool("helm4", arguments), TOOL).await
    }

    /// Runs kubectl on the cluster as admin. Any exit code is an answer.
    ///
    /// # Errors
    /// It could not be started, or did not end.
    pub async fn kubectl<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<command::Ended> {
        command::run(&mut self.tool("kubectl", arguments), TOOL).await
    }

    fn tool<S: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = S>) -> Command {
        let folder = self.kubeconfig.parent().unwrap_or(Path::new("."));
        let mut tool = Command::new(folder.join("bin").join(name));
        tool.env("KUBECONFIG", &self.kubeconfig).args(arguments);
        tool
    }

    /// Kills one component of the control plane or node and starts it again.
    ///
    /// # Errors
    /// It failed.
    pub async fn restart(&self, component: &str) -> Result<()> {
        self.xtask(&["cluster", "restart", component]).await.map(drop)
    }

    /// Kills a container's processes with signal 9.
    ///
    /// # Errors
    /// The runtime does not know the container.
    pub async fn kill_container(&self, container_id: &str) -> Result<()> {
        let id = container_id.trim_start_matches("containerd://");
        let socket = "/run/containerd/containerd.sock";
        let kill = [
            "cluster", "exec", "--", "ctr", "-a", socket, "-n", "k8s.io", "task", "kill", "-a", "-s",
            "SIGKILL", id,
        ];
        self.xtask(&kill).await.map(drop)
    }

    async fn xtask(&self, arguments: &[&str]) -> Result<String> {
        let mut xtask = match std::env::var_os("DEVSPACE_XTASK") {
            Some(binary) => Command::new(binary),
            None => {
                let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                cargo.args(["run", "--quiet", "--package", "xtask", "--"]);
                cargo
            }
        };
        command::output(xtask.current_dir(repository()).args(arguments), TOOL).await
    }
}

fn kubeconfig_path() -> PathBuf {
    if let Some(path) = std::env::var_os(KUBECONFIG) {
        return path.into();
    }
    let state = std::env::var_os("DEVSPACE_CLUSTER_STATE")
        .map_or_else(|| repository().join(".devspace/cluster"), PathBuf::from);
    state.join("kubeconfig")
}

/// The client configuration of a kubeconfig's current context.
///
/// # Errors
/// The file is not there or is no kubeconfig.
pub async fn config(path: &Path) -> Result<kube::Config> {
    let file = Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    config.with_context(|| format!("cannot use {}", path.display()))
}
