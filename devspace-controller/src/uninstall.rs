//! Removes everything of ours but the chart's own objects: the chart's pre-delete hook.
//!
//! The controllers themselves do the work, in this process, under the lease: so it makes no difference whether the
//! installed controller is alive, and finalizers come off by the code that put them on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use devspace_api::names::BASELINE_LABEL;
use devspace_api::{Baseline, Space};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::baseline::namespaces_of_ours;
use crate::cluster::code;
use crate::context::Context;
use crate::leader::Election;
use crate::metrics::Metrics;
use crate::runner;
use crate::settings::{Settings, UninstallOptions};

/// How often to look whether something is gone.
const LOOK: Duration = Duration::from_millis(500);

/// Restores every baseline and removes everything of ours.
///
/// # Errors
/// When something is still there at the time-out. The installed controller then runs again.
pub(crate) async fn start(settings: Settings, options: &UninstallOptions) -> anyhow::Result<()> {
    let client = Client::try_default().await.context("find the API server")?;
    let replicas = scale(&client, &settings, &options.deployment, 0).await?;
    let stop = CancellationToken::new();
    let removal = timeout(
        Duration::from_secs(options.timeout_seconds),
        removal(&client, &settings, &stop),
    )
    .await;
    stop.cancel();
    let outcome = match removal {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow::anyhow!(
            "something of ours is still there after {} s",
            options.timeout_seconds
        )),
    };
    if outcome.is_err()
        && let Some(replicas) = replicas
    {
        scale(&client, &settings, &options.deployment, replicas)
            .await
            .context("start the controller again")?;
    }
    outcome
}

/// Sets the number of the controller's pods and says what it was. `None` where there is no such Deployment.
async fn scale(
    client: &Client,
    settings: &Settings,
    name: &str,
    replicas: i32,
) -> anyhow::Result<Option<i32>> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &settings.namespace);
    let before = match deployments.get_scale(name).await {
        Ok(scale) => scale.spec.and_then(|spec| spec.replicas).unwrap_or(1),
        Err(error) if code(&error) == Some(404) => return Ok(None),
        Err(error) => return Err(error).context("read the scale of the controller's Deployment"),
    };
    let body = json!({ "spec": { "replicas": replicas } });
    let scaled = deployments
        .patch_scale(name, &PatchParams::default(), &Patch::Merge(&body))
        .await;
    scaled.context("scale the controller's Deployment")?;
    Ok(Some(before))
}

async fn removal(client: &Client, settings: &Settings, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut election = Election::new(client.clone(), settings);
    if !election.acquire(stop).await {
        bail!("stopped before the lease was taken");
    }
    let context = Context::new(
        client.clone(),
        settings.clone(),
        Metrics::new(),
        stop.child_token(),
    );
    let mut controllers = runner::controllers(Arc::new(context));
    tokio::select! {
        removed = remove_all(client) => removed?,
        _ = controllers.join_next() => bail!("a controller ended by itself"),
        end = election.hold(stop) => bail!("the lease was lost: {end:?}"),
    }
    controllers.shutdown().await;
    let leases: Api<Lease> = Api::namespaced(client.clone(), &settings.namespace);
    match leases.delete(&settings.lease, &DeleteParams::default()).await {
        Err(error) if code(&error) != Some(404) => Err(error).context("delete the lease"),
        _ => Ok(()),
    }
}

/// Deletes Spaces, then Baselines, and waits until the controllers have taken everything back.
async fn remove_all(client: &Client) -> anyhow::Result<()> {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        ticks.tick().await;
        let left = left(client).await?;
        match left {
            None => return Ok(()),
            Some(what) if what != told => {
                tracing::info!(left = what, "removing");
                told = what;
            }
            Some(_) => {}
        }
    }
}

/// Deletes what can be deleted now and names what is left.
async fn left(client: &Client) -> anyhow::Result<Option<String>> {
    let all = ListParams::default();
    let spaces = Api::<Space>::all(client.clone())
        .list_metadata(&all)
        .await
        .context("list spaces")?;
    for space in spaces
        .iter()
        .filter(|space| space.metadata.deletion_timestamp.is_none())
    {
        let api: Api<Space> = Api::namespaced(client.clone(), &space.namespace().unwrap_or_default());
        ignore_gone(api.delete(&space.name_any(), &DeleteParams::default()).await)
            .context("delete a space")?;
    }
    if let Some(space) = spaces.items.first() {
        return Ok(Some(format!("space {}", space.name_any())));
    }
    let personal = ListParams::default().labels(BASELINE_LABEL);
    let namespaces = Api::<Namespace>::all(client.clone())
        .list_metadata(&personal)
        .await
        .context("list namespaces")?;
    if let Some(namespace) = namespaces.items.first() {
        return Ok(Some(format!("namespace {}", namespace.name_any())));
    }
    let baselines = Api::<Baseline>::all(client.clone())
        .list_metadata(&all)
        .await
        .context("list baselines")?;
    for baseline in baselines
        .iter()
        .filter(|baseline| baseline.metadata.deletion_timestamp.is_none())
    {
        let api: Api<Baseline> = Api::namespaced(client.clone(), &baseline.namespace().unwrap_or_default());
        ignore_gone(api.delete(&baseline.name_any(), &DeleteParams::default()).await)
            .context("delete a baseline")?;
    }
    let ours = namespaces_of_ours(client)
        .await
        .context("look for objects of ours")?;
    Ok(ours
        .keys()
        .next()
        .map(|namespace| format!("baseline of namespace {namespace}")))
}

fn ignore_gone<T>(deleted: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match deleted {
        Err(error) if code(&error) != Some(404) => Err(error),
        _ => Ok(()),
    }
}
