//! Objects by server-side apply, from JSON as a person would write YAML.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::conditions;
use kube::{Api, Client};
use serde_json::Value;

use super::wait;

/// The field manager of what the tests make as the team that owns the application.
pub const MANAGER: &str = "e2e-team";

/// Applies one object. Its kind must be one that the tests use.
///
/// # Errors
/// The API server refuses it.
pub async fn apply(client: &Client, object: Value) -> Result<()> {
    let object: DynamicObject = serde_json::from_value(object).context("not an object")?;
    let types = object.types.clone().context("the object has no kind")?;
    let kind = kube::core::GroupVersionKind::try_from(&types)?;
    let resource = ApiResource::from_gvk(&kind);
    let name = object.metadata.name.clone().context("the object has no name")?;
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let done = api
        .patch(
            &name,
            &PatchParams::apply(MANAGER).force(),
            &Patch::Apply(&object),
        )
        .await;
    done.map(drop)
        .with_context(|| format!("cannot apply {} {name}", kind.kind))
}

/// Waits until a Deployment's rollout is complete.
///
/// # Errors
/// Not in time.
pub async fn rolled_out(client: &Client, namespace: &str, name: &str, limit: Duration) -> Result<()> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let what = format!("Deployment {namespace}/{name} is rolled out");
    wait::object(api, name, limit, &what, conditions::is_deployment_completed())
        .await
        .map(drop)
}

/// Every pod with these labels that is not being deleted.
///
/// # Errors
/// The API server refuses.
pub async fn pods(client: &Client, namespace: &str, labels: &str) -> Result<Vec<Pod>> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let mut found = api.list(&ListParams::default().labels(labels)).await?.items;
    found.retain(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(found)
}

/// The name of a pod, empty where it has none.
#[must_use]
pub fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// The id by which the runtime knows a container of a pod.
///
/// # Errors
/// It is not running.
pub fn container_id(pod: &Pod, container: &str) -> Result<String> {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref());
    let one = statuses
        .into_iter()
        .flatten()
        .find(|status| status.name == container);
    let id = one.and_then(|status| status.container_id.clone());
    id.with_context(|| format!("container {container} of pod {} has no id", name(pod)))
}

/// Whether the pod's condition `Ready` is true.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|one| one.type_ == "Ready" && one.status == "True")
}

/// Cluster address and first port of a Service, as `10.96.0.7:80`.
///
/// # Errors
/// It has none.
pub async fn service_address(client: &Client, namespace: &str, name: &str) -> Result<String> {
    let service = service(client, namespace, name).await?;
    let spec = service.spec.unwrap_or_default();
    let address = spec.cluster_ip.context("the Service has no address")?;
    let port = spec
        .ports
        .unwrap_or_default()
        .first()
        .map(|port| port.port)
        .context("the Service has no port")?;
    Ok(format!("{address}:{port}"))
}

/// A Service.
///
/// # Errors
/// It is not there.
pub async fn service(client: &Client, namespace: &str, name: &str) -> Result<Service> {
    let api: Api<Service> = Api::namespaced(client.clone(), namespace);
    api.get(name)
        .await
        .with_context(|| format!("cannot get Service {namespace}/{name}"))
}
