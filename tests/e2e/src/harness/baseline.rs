//! Turning a namespace into a baseline, as its admin does, and looking at its Services.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use devspace_api::names::{RECORD_ANNOTATION, ROUTER_SELECTOR_VALUE};
use k8s_openapi::api::core::v1::Service;
use kube::Api;

use super::devspace::Caller;
use super::{Scope, objects, wait};

/// How long a Service may take to be intercepted again.
pub const INTERCEPTED: Duration = Duration::from_secs(30);

/// Intercepts these Services of the namespace with `devspace baseline enable`, and waits until the cluster did it.
///
/// # Errors
/// It does not happen.
pub async fn enable(scope: &Scope, namespace: &str, services: &[&str], host: &str) -> Result<()> {
    let began = Instant::now();
    let home = tempfile::tempdir()?;
    let admin = Caller::new(scope.cluster.kubeconfig(), home.path());
    let arguments = [
        &["baseline", "enable"],
        services,
        &["-b", namespace, "--host", host],
    ]
    .concat();
    admin.ok(home.path(), &arguments).await?;
    for service in services {
        intercepted(scope, namespace, service).await?;
    }
    scope.say(format!(
        "intercepted {} of {namespace} in {:.1} s",
        services.join(", "),
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Whether the Service's traffic passes the router, read from its spec as Kubernetes does.
#[must_use]
pub fn is_intercepted(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    let selector = spec.and_then(|spec| spec.selector.as_ref());
    let recorded = service
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|all| all.contains_key(RECORD_ANNOTATION));
    recorded
        && selector
            .is_some_and(|all| !all.is_empty() && all.values().all(|value| value == ROUTER_SELECTOR_VALUE))
}

/// Watches until the Service's traffic passes the router.
///
/// # Errors
/// It does not within [`INTERCEPTED`].
pub async fn intercepted(scope: &Scope, namespace: &str, service: &str) -> Result<()> {
    let api: Api<Service> = Api::namespaced(scope.cluster.client.clone(), namespace);
    let condition = |found: Option<&Service>| found.is_some_and(is_intercepted);
    let what = format!("Service {namespace}/{service} is intercepted");
    wait::object(api, service, INTERCEPTED, &what, condition)
        .await
        .map(drop)
}

/// The selector that the Service's record keeps.
///
/// # Errors
/// It has no record.
pub fn recorded_selector(service: &Service) -> Result<BTreeMap<String, String>> {
    let annotations = service.metadata.annotations.as_ref();
    let text = annotations
        .and_then(|all| all.get(RECORD_ANNOTATION))
        .context("the Service has no record")?;
    let record: devspace_api::record::Record =
        serde_json::from_str(text).context("the record is no record")?;
    Ok(record.selector)
}

/// Spec, labels and annotations of each Service.
pub type Snapshot = BTreeMap<String, (serde_json::Value, serde_json::Value, serde_json::Value)>;

/// What these Services of the namespace look like to their owners.
///
/// # Errors
/// One is not there.
pub async fn snapshot(scope: &Scope, namespace: &str, services: &[&str]) -> Result<Snapshot> {
    let mut found = BTreeMap::new();
    for name in services {
        let service = objects::service(&scope.cluster.client, namespace, name).await?;
        let metadata = service.metadata;
        let parts = (
            serde_json::to_value(service.spec)?,
            serde_json::to_value(metadata.labels)?,
            serde_json::to_value(metadata.annotations.filter(|all| !all.is_empty()))?,
        );
        found.insert((*name).to_owned(), parts);
    }
    Ok(found)
}
