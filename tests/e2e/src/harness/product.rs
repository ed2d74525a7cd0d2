//! The product on the cluster: installed once a run by Helm, as its users do.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::OnceCell;

use super::cluster::repository;
use super::{Cluster, objects, say, scope};

/// The namespace of the controller.
pub const NAMESPACE: &str = "devspace-system";
/// The name of the Helm release.
pub const RELEASE: &str = "devspace";
/// The controller's Deployment.
pub const CONTROLLER: &str = "devspace-controller";

/// Labels of the controller's pods.
pub const CONTROLLER_PODS: &str = "app.kubernetes.io/name=devspace,app.kubernetes.io/component=controller";

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// Installs the product, once in this process, after what an earlier run left is gone.
/// With `DEVSPACE_E2E_KEEP` set, what is installed stays and is upgraded.
///
/// # Errors
/// It does not become ready.
pub async fn installed(cluster: &Cluster) -> Result<()> {
    INSTALLED.get_or_try_init(|| install(cluster)).await.map(drop)
}

async fn install(cluster: &Cluster) -> Result<()> {
    let began = std::time::Instant::now();
    scope::sweep(cluster).await?;
    if std::env::var_os("DEVSPACE_E2E_KEEP").is_none() {
        uninstall(cluster).await?;
    }
    let chart = repository().join("charts/devspace");
    let chart = chart.to_string_lossy();
    let arguments = [
        "upgrade",
        "--install",
        RELEASE,
        &chart,
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--timeout",
        "2m",
    ];
    cluster.helm3(arguments).await?;
    objects::rolled_out(&cluster.client, NAMESPACE, CONTROLLER, Duration::from_secs(60)).await?;
    say(format!(
        "installed the product in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Uninstalls the product if it is installed.
///
/// # Errors
/// Helm fails.
pub async fn uninstall(cluster: &Cluster) -> Result<()> {
    let arguments = [
        "uninstall",
        RELEASE,
        "--namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--wait",
        "--timeout",
        "3m",
    ];
    cluster.helm3(arguments).await.map(drop)
}
