//! Finds what is left of baselines that are gone, and removes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use devspace_api::Baseline;
use devspace_api::names::{BASELINE_LABEL, ROUTER_LABEL, SHADOW_OF_LABEL};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use tokio::time::{MissedTickBehavior, interval};

use super::{Removal, Shared, remove};
use crate::cluster::RequestError;

/// How often the cluster is looked through.
const PERIOD: Duration = Duration::from_secs(20);

/// Namespaces with something of a baseline's: with a Baseline and its UID, or without one.
pub(crate) async fn namespaces_of_ours(
    client: &Client,
) -> Result<BTreeMap<String, Option<String>>, RequestError> {
    let failed = |what: &'static str| move |source| RequestError::new("list", what, source);
    let labels = |text: &str| ListParams::default().labels(text);
    let routers = labels(&format!("{ROUTER_LABEL}=true"));
    let baselines: Api<Baseline> = Api::all(client.clone());
    let baselines = baselines
        .list_metadata(&ListParams::default())
        .await
        .map_err(failed("baselines"))?;
    let services: Api<Service> = Api::all(client.clone());
    let shadows = services
        .list_metadata(&labels(SHADOW_OF_LABEL))
        .await
        .map_err(failed("shadows"))?;
    let gateways = services
        .list_metadata(&routers)
        .await
        .map_err(failed("gateways"))?;
    let deployments: Api<Deployment> = Api::all(client.clone());
    let deployments = deployments
        .list_metadata(&routers)
        .await
        .map_err(failed("routers"))?;
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let bindings = bindings
        .list_metadata(&routers)
        .await
        .map_err(failed("clusterrolebindings"))?;
    let mut left: BTreeSet<String> = BTreeSet::new();
    left.extend(shadows.iter().filter_map(ResourceExt::namespace));
    left.extend(gateways.iter().filter_map(ResourceExt::namespace));
    left.extend(deployments.iter().filter_map(ResourceExt::namespace));
    left.extend(
        bindings
            .iter()
            .filter_map(|binding| binding.labels().get(BASELINE_LABEL).cloned()),
    );
    let mut all: BTreeMap<String, Option<String>> =
        left.into_iter().map(|namespace| (namespace, None)).collect();
    all.extend(
        baselines
            .iter()
            .filter_map(|baseline| Some((baseline.namespace()?, baseline.uid()))),
    );
    Ok(all)
}

/// Looks through the cluster until the context's `shutdown` ends.
pub(super) async fn run(shared: &Shared) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.context.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(shared).await {
            tracing::warn!(error = crate::logging::chain(&error), "sweep not finished");
        }
    }
}

async fn sweep(shared: &Shared) -> Result<(), super::services::StepError> {
    let all = namespaces_of_ours(&shared.context.client).await?;
    for (namespace, _) in all.into_iter().filter(|(_, baseline)| baseline.is_none()) {
        let removal = remove(shared, &namespace, "").await?;
        tracing::info!(
            namespace,
            done = removal == Removal::Done,
            "left-over of a baseline that is gone"
        );
    }
    Ok(())
}
