//! What a copy is made from, read from the API server.

use devspace_api::names::{BASELINE_LABEL, GATEWAY_SERVICE, SPACE_LABEL, SPACE_UID_ANNOTATION};
use devspace_api::{Baseline, ServiceCopy, Space};
use devspace_plan::copy::objects::{claim_name, workload_name};
use devspace_plan::mirror::{Reference, ReferenceKind, Sources, wanted};
use futures::future::try_join_all;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::CopyError;
use super::memory::Refusal;
use crate::space::objects;

/// The annotation that marks the cluster's default StorageClass.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Where a copy belongs.
pub(super) struct Place {
    /// The baseline's namespace.
    pub(super) baseline: String,
    /// The space.
    pub(super) space: String,
}

/// What a copy is made from.
pub(super) struct Observed {
    pub(super) baseline: Baseline,
    pub(super) services: Vec<Service>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) stateful_sets: Vec<StatefulSet>,
    pub(super) daemon_sets: Vec<DaemonSet>,
    pub(super) cron_jobs: Vec<CronJob>,
    /// The copy's Deployment as it stands.
    pub(super) current: Option<Deployment>,
    pub(super) cache_claim: bool,
    pub(super) has_claim: bool,
}

fn read(what: &'static str) -> impl Fn(kube::Error) -> CopyError {
    move |source| CopyError::Read { what, source }
}

/// The Space whose personal namespace `copy` lies in, or why it lies in none.
pub(super) async fn place(copy: &ServiceCopy, client: &Client) -> Result<Result<Place, Refusal>, CopyError> {
    let name = copy.namespace().unwrap_or_default();
    let stray = |message: String| {
        Ok(Err(Refusal {
            reason: "NoSpace",
            message,
            waits: false,
        }))
    };
    let namespace = Api::<Namespace>::all(client.clone())
        .get_opt(&name)
        .await
        .map_err(read("the namespace"))?;
    let Some(namespace) = namespace else {
        return stray(format!("namespace {name} is gone"));
    };
    let label = |key: &str| namespace.labels().get(key).cloned();
    let uid = namespace.annotations().get(SPACE_UID_ANNOTATION);
    let (Some(baseline), Some(space), Some(uid)) = (label(BASELINE_LABEL), label(SPACE_LABEL), uid) else {
        return stray(format!("namespace {name} is no space's personal namespace"));
    };
    let found = Api::<Space>::namespaced(client.clone(), &baseline)
        .get_opt(&space)
        .await;
    let found = found.map_err(read("the Space"))?;
    // The labels alone could be anybody's; the Space itself says which namespace is its own.
    let own = |found: &Space| {
        let named = found.status.as_ref().and_then(|status| status.namespace.as_ref()) == Some(&name);
        found.uid().as_ref() == Some(uid) && named
    };
    match found {
        Some(found) if own(&found) => Ok(Ok(Place { baseline, space })),
        _ => stray(format!(
            "namespace {name} does not belong to a space {space} of {baseline}"
        )),
    }
}

/// Reads what `copy` is made from; `None` where the namespace has no Baseline.
pub(super) async fn observe(
    copy: &ServiceCopy,
    place: &Place,
    client: &Client,
) -> Result<Option<Observed>, CopyError> {
    let own = copy.namespace().unwrap_or_default();
    let service = &copy.spec.service;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &own);
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &own);
    let (deployment, claim) = (workload_name(service), claim_name(service));
    let theirs = place.baseline.as_str();
    let lists = async {
        tokio::try_join!(
            list::<Baseline>(client, theirs, "the Baseline"),
            list::<Service>(client, theirs, "the baseline's Services"),
            list::<Deployment>(client, theirs, "the baseline's Deployments"),
            list::<StatefulSet>(client, theirs, "the baseline's StatefulSets"),
            list::<DaemonSet>(client, theirs, "the baseline's DaemonSets"),
            list::<CronJob>(client, theirs, "the baseline's CronJobs"),
        )
    };
    let own = async {
        tokio::try_join!(
            async {
                deployments
                    .get_opt(&deployment)
                    .await
                    .map_err(read("the copy's Deployment"))
            },
            async { claims.get_opt(&claim).await.map_err(read("the cache claim")) },
            default_class(client),
        )
    };
    let (lists, own) = tokio::try_join!(lists, own)?;
    let (baselines, services, deployments, stateful_sets, daemon_sets, cron_jobs) = lists;
    let (current, claim, default_class) = own;
    let Some(baseline) = objects::oldest(&baselines).cloned() else {
        return Ok(None);
    };
    let has_claim = claim.is_some();
    let cache_claim = has_claim || default_class || baseline.spec.copies.storage_class.is_some();
    Ok(Some(Observed {
        baseline,
        services,
        deployments,
        stateful_sets,
        daemon_sets,
        cron_jobs,
        current,
        cache_claim,
        has_claim,
    }))
}

async fn list<K>(client: &Client, namespace: &str, what: &'static str) -> Result<Vec<K>, CopyError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let found = api.list(&ListParams::default()).await.map_err(read(what))?;
    Ok(found.items)
}

async fn default_class(client: &Client) -> Result<bool, CopyError> {
    let classes = Api::<StorageClass>::all(client.clone())
        .list(&ListParams::default())
        .await;
    let classes = classes.map_err(read("StorageClasses"))?.items;
    Ok(classes.iter().any(|class| {
        class
            .annotations()
            .get(DEFAULT_CLASS)
            .is_some_and(|value| value == "true")
    }))
}

// === impl Observed ===

impl Observed {
    /// The Service that the copy stands for.
    pub(super) fn service(&self, name: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.metadata.name.as_deref() == Some(name))
    }

    /// Address and port of the gateway.
    pub(super) fn gateway(&self) -> Option<String> {
        let spec = self.service(GATEWAY_SERVICE)?.spec.as_ref()?;
        let address = spec
            .cluster_ip
            .as_deref()
            .filter(|ip| !ip.is_empty() && *ip != "None")?;
        let port = spec.ports.as_ref()?.first()?.port;
        Some(if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        })
    }
}

/// The baseline's ServiceAccount `name`, where it exists.
pub(super) async fn service_account(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<ServiceAccount>, CopyError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    api.get_opt(name)
        .await
        .map_err(read("the baseline's ServiceAccount"))
}

/// Reads what `references` name, as far as the Baseline's policy lets it be mirrored.
pub(super) async fn sources(
    client: &Client,
    references: &[Reference],
    baseline: &Baseline,
) -> Result<Sources, CopyError> {
    let namespace = baseline.namespace().unwrap_or_default();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let names = wanted(references, &baseline.spec.secrets);
    let of_kind = |kind| {
        names
            .iter()
            .filter(move |(k, _)| *k == kind)
            .map(|(_, name)| name)
    };
    let found_maps = try_join_all(of_kind(ReferenceKind::ConfigMap).map(|name| maps.get_opt(name)));
    let found_secrets = try_join_all(of_kind(ReferenceKind::Secret).map(|name| secrets.get_opt(name)));
    let (found_maps, found_secrets) = tokio::join!(found_maps, found_secrets);
    let found_maps = found_maps.map_err(read("the baseline's ConfigMaps"))?;
    let found_secrets = found_secrets.map_err(read("the baseline's Secrets"))?;
    Ok(Sources {
        config_maps: by_name(found_maps),
        secrets: by_name(found_secrets),
    })
}

fn by_name<K: Resource>(found: Vec<Option<K>>) -> std::collections::BTreeMap<String, K> {
    found
        .into_iter()
        .flatten()
        .map(|object| (object.name_any(), object))
        .collect()
}
