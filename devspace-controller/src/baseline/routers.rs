//! Keeps the router's objects and the labels of its pods.

use std::collections::BTreeSet;

use devspace_api::Baseline;
use devspace_api::names::ROUTER_NAME;
use devspace_plan::interception::Routers;
use devspace_plan::router;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::Patch;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::observe::Observation;
use crate::cluster::{RequestError, apply, as_manager, code, delete};
use crate::context::Context;

/// Whether a pod takes traffic and is not about to end.
fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The routers as the plan sees them. `lost` and `leaving` are the caller's to say.
pub(super) fn routers(seen: &Observation) -> Routers {
    let ready = seen
        .routers
        .iter()
        .filter(|pod| is_ready(pod))
        .map(|pod| pod.labels().clone())
        .collect();
    Routers {
        ready,
        gone: seen.routers.is_empty(),
        ..Routers::default()
    }
}

/// Applies the router's objects.
pub(super) async fn keep(
    context: &Context,
    baseline: &Baseline,
    seen: &Observation,
) -> Result<(), RequestError> {
    let namespace = baseline.namespace().unwrap_or_default();
    let client = || context.client.clone();
    let keys = router::selector_keys(seen.records().values());
    let (account, binding, cluster_binding) = router::rbac(&namespace);
    apply(&Api::<ServiceAccount>::namespaced(client(), &namespace), &account).await?;
    apply(&Api::<RoleBinding>::namespaced(client(), &namespace), &binding).await?;
    apply(&Api::<ClusterRoleBinding>::all(client()), &cluster_binding).await?;
    apply(
        &Api::<Service>::namespaced(client(), &namespace),
        &router::gateway(&namespace),
    )
    .await?;
    let spec = router::RouterSpec {
        namespace: &namespace,
        image: &context.settings.proxy_image,
        pull_policy: &context.settings.image_pull_policy,
        priority_class: context.settings.router_priority_class.as_deref(),
        settings: &baseline.spec.router,
    };
    let deployment = router::deployment(&spec, &keys, seen.deployment.as_ref());
    apply(&Api::<Deployment>::namespaced(client(), &namespace), &deployment).await?;
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(client(), &namespace);
    if seen
        .budgets
        .iter()
        .any(|budget| router::selects_router(budget, &keys))
    {
        if seen.budgets.iter().any(|budget| budget.name_any() == ROUTER_NAME) {
            delete(&budgets, ROUTER_NAME).await?;
        }
    } else {
        apply(&budgets, &router::disruption_budget(&namespace)).await?;
    }
    label_pods(context, &namespace, seen, &keys).await
}

/// Gives each router pod the selector keys that it lacks. Labels of a live pod roll nothing.
async fn label_pods(
    context: &Context,
    namespace: &str,
    seen: &Observation,
    keys: &BTreeSet<String>,
) -> Result<(), RequestError> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
    for pod in seen
        .routers
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
    {
        let missing = router::missing_labels(keys, pod.labels());
        if missing.is_empty() {
            continue;
        }
        let name = pod.name_any();
        let body = json!({ "metadata": { "labels": missing } });
        match api.patch(&name, &as_manager(), &Patch::Merge(&body)).await {
            Ok(_) => tracing::info!(
                namespace,
                pod = name,
                labels = missing.len(),
                "router pod labelled"
            ),
            // It ended meanwhile.
            Err(error) if code(&error) == Some(404) => {}
            Err(source) => return Err(RequestError::new("label", format!("Pod {name}"), source)),
        }
    }
    Ok(())
}
