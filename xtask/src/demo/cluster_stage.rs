//! What the demo needs before it can show anything: cluster, images, the sample, devspace, a developer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::show;
use crate::cluster::{self, Tools};
use crate::places::{self, read_file, write_file};
use crate::process::{self, command};
use crate::{images, say};

/// The public host of the demo's baseline.
pub(crate) const HOST: &str = "shop.example.test";
const NAMESPACE: &str = "shop";
/// Whose invoice is asked for.
const OWNER: &str = "demo-owner";

/// The images of the demo, by their last part.
const IMAGES: &[&str] = &[
    "devspace-controller",
    "devspace-proxy",
    "devspace-agent",
    "package",
    "package-toolchain",
    "delivery",
    "dronescheduler",
    "postgres",
    "redis",
];

/// A demo that is ready to be shown.
pub(crate) struct Stage {
    /// The program `devspace`.
    pub(crate) devspace: PathBuf,
    /// The admin's kubeconfig.
    pub(crate) kubeconfig: PathBuf,
    /// The developer's.
    pub(crate) developer: PathBuf,
    /// The developer's copy of package's folder, not the repository's own.
    pub(crate) package: PathBuf,
    /// The invoice at the baseline's gateway; it needs the public host as `Host`.
    pub(crate) baseline_url: String,
    /// Path and query of the invoice.
    pub(crate) path: String,
    routes: String,
}

/// Brings everything up. What is there already stays.
///
/// # Errors
/// A step fails; the message names it.
pub(crate) fn prepare() -> Result<Stage> {
    let tools = cluster::ready()?;
    images::build_and_load(IMAGES)?;
    say::progress("building devspace");
    let devspace = super::build_cli()?;
    install(&tools)?;
    process::output(
        command(
            &devspace,
            ["baseline", "enable", "--all", "--baseline", NAMESPACE],
        )
        .env("KUBECONFIG", tools.kubeconfig()),
    )?;
    let developer = developer(&tools)?;
    let package = super::own_sources("samples/delivery/services/package", "package")?;
    let path = format!("/api/invoices?ownerId={OWNER}&{}", super::this_month()?);
    seed(&tools)?;
    let gateway = tools.forward(&format!("{NAMESPACE}/devspace-gateway:80"))?;
    let routes = read_file(&package.join("src/routes.ts"))?;
    Ok(Stage {
        devspace,
        kubeconfig: tools.kubeconfig(),
        developer,
        package,
        baseline_url: format!("http://{gateway}{path}"),
        path,
        routes,
    })
}

impl Stage {
    /// `devspace up` in the developer's folder with the developer's rights.
    pub(crate) fn up(&self) -> Command {
        let mut command = Command::new(&self.devspace);
        command.args(["up", "--space", "red", "--output", "json"]);
        command
            .current_dir(&self.package)
            .env("KUBECONFIG", &self.developer)
            .env("DEVSPACE_ENGINE", "kube");
        command
    }

    /// Saves a change of package's summary: a field that the baseline's does not have.
    ///
    /// # Errors
    /// The line to change is not there, or the file cannot be written.
    pub(crate) fn edit(&self, field: &str) -> Result<()> {
        let mark = "{ totalWeight:";
        let (before, after) = self
            .routes
            .split_once(mark)
            .context("package's routes.ts has lost its summary")?;
        write_file(
            &self.package.join("src/routes.ts"),
            format!("{before}{{ {field}, totalWeight:{after}"),
        )
    }
}

fn install(tools: &Tools) -> Result<()> {
    let charts = places::repository().join("charts");
    for (release, chart, namespace) in [
        ("devspace", "devspace", "devspace-system"),
        ("delivery", "delivery", NAMESPACE),
    ] {
        say::progress(format!("installing the chart {chart}"));
        let chart = charts.join(chart);
        let mut helm = tools.command("helm3", ["upgrade", "--install", release]);
        helm.arg(chart).args([
            "--namespace",
            namespace,
            "--create-namespace",
            "--wait",
            "--timeout",
            "4m",
        ]);
        process::output(&mut helm)?;
    }
    Ok(())
}

/// A user with the rights of a developer and no other, as an admin gives them.
fn developer(tools: &Tools) -> Result<PathBuf> {
    let binding = [
        "create",
        "rolebinding",
        "demo-developers",
        "--clusterrole=devspace-developer",
        "--group=demo-developers",
        "--namespace",
        NAMESPACE,
        "--dry-run=client",
        "--output=yaml",
    ];
    let folder = super::folder()?;
    let manifest = folder.join("developers.yaml");
    write_file(
        &manifest,
        process::output(&mut tools.command("kubectl", binding))?,
    )?;
    let apply = ["apply", "--filename", &manifest.to_string_lossy()];
    process::output(&mut tools.command("kubectl", apply))?;
    let kubeconfig = folder.join("developer.kubeconfig");
    write_file(&kubeconfig, tools.user("ada@example.test", "demo-developers")?)?;
    Ok(kubeconfig)
}

/// One package of the owner, so that the invoice has a weight.
fn seed(tools: &Tools) -> Result<()> {
    let package = tools.forward(&format!("{NAMESPACE}/package:80"))?;
    let body = format!(r#"{{"size":"small","weight":12,"tag":"demo","ownerId":"{OWNER}"}}"#);
    show::put(&format!("http://{package}/api/packages/demo-1"), &body)
}
