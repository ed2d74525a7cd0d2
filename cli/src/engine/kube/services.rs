//! The team's Services, for `devspace baseline restore`: it works on a cluster only, with nothing of ours alive.

use devspace_api::names::{CLI_MANAGER, FINALIZER};
use devspace_api::{Baseline, ServiceCopy, Space};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Kube;
use super::faults::{LIST, attempt, fault};
use crate::engine::EngineError;

/// Every Service of `namespace`.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn list(kube: &Kube, namespace: &str) -> Result<Vec<Service>, EngineError> {
    let api: Api<Service> = Api::namespaced(kube.client.clone(), namespace);
    let asked = attempt(LIST, "", "services", Some(namespace), None);
    Ok(fault(kube, api.list(&ListParams::default()).await, asked)
        .await?
        .items)
}

/// Merges `patch` (RFC 7386) into the Service, and gives back what it became.
///
/// # Errors
/// [`EngineError::Conflict`], if the patch names a resourceVersion that has passed.
pub(crate) async fn merge(
    kube: &Kube,
    namespace: &str,
    name: &str,
    patch: &Value,
) -> Result<Service, EngineError> {
    let api: Api<Service> = Api::namespaced(kube.client.clone(), namespace);
    let params = PatchParams {
        field_manager: Some(CLI_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let asked = attempt(&["patch"], "", "services", Some(namespace), Some(name));
    fault(kube, api.patch(name, &params, &Patch::Merge(patch)).await, asked).await
}

/// Takes our finalizer off every object of ours that belongs to the baseline in `namespace`: the Baseline, its Spaces, and
/// the ServiceCopies of their personal namespaces. Says what it did as `Kind namespace/name`.
///
/// # Errors
/// [`EngineError`]. Definitions that are gone have no objects, which is no error.
pub(crate) async fn take_finalizers(
    kube: &Kube,
    namespace: &str,
    plan: bool,
) -> Result<Vec<String>, EngineError> {
    let mut done = Vec::new();
    let spaces = objects::<Space>(kube, namespace).await?;
    for space in &spaces {
        if let Some(personal) = space
            .status
            .as_ref()
            .and_then(|status| status.namespace.as_deref())
        {
            for copy in objects::<ServiceCopy>(kube, personal).await? {
                done.extend(take(kube, &copy, plan).await?);
            }
        }
        done.extend(take(kube, space, plan).await?);
    }
    for baseline in objects::<Baseline>(kube, namespace).await? {
        done.extend(take(kube, &baseline, plan).await?);
    }
    Ok(done)
}

async fn objects<K>(kube: &Kube, namespace: &str) -> Result<Vec<K>, EngineError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(kube.client.clone(), namespace);
    let asked = attempt(LIST, &K::group(&()), &K::plural(&()), Some(namespace), None);
    match fault(kube, api.list(&ListParams::default()).await, asked).await {
        Ok(list) => Ok(list.items),
        Err(EngineError::NotInstalled { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn take<K>(kube: &Kube, object: &K, plan: bool) -> Result<Option<String>, EngineError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let meta = object.meta();
    let mut left = meta.finalizers.clone().unwrap_or_default();
    if !left.iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(None);
    }
    left.retain(|finalizer| finalizer != FINALIZER);
    let (namespace, name) = (
        meta.namespace.clone().unwrap_or_default(),
        meta.name.clone().unwrap_or_default(),
    );
    if !plan {
        let api: Api<K> = Api::namespaced(kube.client.clone(), &namespace);
        let patch = json!({"metadata": {"resourceVersion": meta.resource_version, "finalizers": left}});
        let asked = attempt(
            &["patch"],
            &K::group(&()),
            &K::plural(&()),
            Some(&namespace),
            Some(&name),
        );
        fault(
            kube,
            api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
                .await,
            asked,
        )
        .await?;
    }
    Ok(Some(format!("{} {namespace}/{name}", K::kind(&()))))
}
