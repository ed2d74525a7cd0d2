//! Everything that a reconcile of a Baseline looks at, read at once.

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::names::{ROUTER_LABEL, ROUTER_NAME, SHADOW_OF_LABEL};
use devspace_api::record::Record;
use devspace_plan::interception::{
    Refusal, is_own, network_refusal, originals, refusal, same_endpoints, shadow_name,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::{Client, ResourceExt};

use crate::cluster::{RequestError, list};

/// The label that names a slice's Service (discovery/v1, "EndpointSlice").
const SERVICE_OF_SLICE: &str = "kubernetes.io/service-name";

/// Everything of a baseline's namespace that a reconcile looks at.
pub(super) struct Observation {
    /// The team's Services, sorted by name. Ours are not among them.
    pub(super) services: Vec<Service>,
    /// Shadows by the name of their Service.
    pub(super) shadows: BTreeMap<String, Service>,
    slices: BTreeMap<String, Vec<EndpointSlice>>,
    /// Router pods.
    pub(super) routers: Vec<Pod>,
    /// The router's Deployment.
    pub(super) deployment: Option<Deployment>,
    pods: Vec<Pod>,
    policies: Vec<NetworkPolicy>,
    /// The namespace's Ingress objects.
    pub(super) ingresses: Vec<Ingress>,
    /// The namespace's disruption budgets, ours included.
    pub(super) budgets: Vec<PodDisruptionBudget>,
}

/// Reads everything.
pub(super) async fn observe(client: &Client, namespace: &str) -> Result<Observation, RequestError> {
    let ours = format!("{ROUTER_LABEL}=true");
    let ours = Some(ours.as_str());
    let services = list::<Service>(client, namespace, None);
    let slices = list::<EndpointSlice>(client, namespace, None);
    let routers = list::<Pod>(client, namespace, ours);
    let deployments = list::<Deployment>(client, namespace, ours);
    let policies = list::<NetworkPolicy>(client, namespace, None);
    let ingresses = list::<Ingress>(client, namespace, None);
    let budgets = list::<PodDisruptionBudget>(client, namespace, None);
    let (services, slices, routers, deployments) =
        futures::try_join!(services, slices, routers, deployments)?;
    let (policies, ingresses, budgets) = futures::try_join!(policies, ingresses, budgets)?;
    // Pods of the team are looked at only for what policies select.
    let pods = if policies.is_empty() {
        Vec::new()
    } else {
        list::<Pod>(client, namespace, None).await?
    };
    let (own, mut services): (Vec<Service>, Vec<Service>) = services.into_iter().partition(is_own);
    services.sort_by_key(ResourceExt::name_any);
    let shadow_of = |service: Service| Some((service.labels().get(SHADOW_OF_LABEL)?.clone(), service));
    Ok(Observation {
        services,
        shadows: own.into_iter().filter_map(shadow_of).collect(),
        slices: by_service(slices),
        routers,
        deployment: deployments
            .into_iter()
            .find(|deployment| deployment.name_any() == ROUTER_NAME),
        pods,
        policies,
        ingresses,
        budgets,
    })
}

fn by_service(slices: Vec<EndpointSlice>) -> BTreeMap<String, Vec<EndpointSlice>> {
    let mut by_service: BTreeMap<String, Vec<EndpointSlice>> = BTreeMap::new();
    for slice in slices {
        if let Some(service) = slice.labels().get(SERVICE_OF_SLICE).cloned() {
            by_service.entry(service).or_default().push(slice);
        }
    }
    by_service
}

// === impl Observation ===

impl Observation {
    /// Listeners in all records.
    pub(super) fn taken(&self) -> BTreeSet<u16> {
        self.records()
            .into_values()
            .flat_map(|record| record.ports)
            .map(|port| port.listener)
            .collect()
    }

    /// Records by Service. One that cannot be read is told by the Service's own step.
    pub(super) fn records(&self) -> BTreeMap<String, Record> {
        let record = |service: &Service| Some((service.name_any(), Record::of(service).ok()??));
        self.services.iter().filter_map(record).collect()
    }

    /// Whether the shadow of `service` has the same endpoints as the Service.
    pub(super) fn same_endpoints(&self, service: &str) -> bool {
        let slices = |name: &str| {
            self.slices
                .get(name)
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
        };
        same_endpoints(slices(service), slices(&shadow_name(service)))
    }

    /// Why `service` cannot be intercepted.
    pub(super) fn refusal(&self, service: &Service) -> Option<Refusal> {
        let by_policy = || {
            let record = Record::of(service).ok().flatten();
            network_refusal(
                &originals(service, record.as_ref()).selector,
                &self.pods,
                &self.policies,
            )
        };
        refusal(service).or_else(by_policy)
    }

    /// Hosts that the namespace's Ingress objects name, wildcards left out, in the order of the objects' names.
    pub(super) fn ingress_hosts(&self) -> Vec<String> {
        let mut ingresses: Vec<&Ingress> = self.ingresses.iter().collect();
        ingresses.sort_by_key(|ingress| ingress.name_any());
        let rules = ingresses
            .iter()
            .filter_map(|ingress| ingress.spec.as_ref())
            .flat_map(|spec| spec.rules.iter().flatten());
        let mut hosts = Vec::new();
        for host in rules.filter_map(|rule| rule.host.clone()) {
            if !host.is_empty() && !host.starts_with('*') && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }
}
