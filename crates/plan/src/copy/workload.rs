//! The workload behind a Service, and the ports that the Service reaches in it.

use std::collections::BTreeMap;

use devspace_api::record::Record;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaimVolumeSource, PodTemplateSpec, Service, ServicePort, Volume,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::CopyRefusal;

/// One port of the baseline's Service in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPort {
    /// The port's name in the Service. A Service with one port may have none.
    pub name: Option<String>,
    /// The port that callers use.
    pub port: i32,
    /// The port in the pod.
    pub target: i32,
    /// The protocol that the Service's owner declared.
    pub app_protocol: Option<String>,
}

/// Kinds of workload that can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
}

/// The workload behind a Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Its pod template. Claim templates of a StatefulSet stand in it as volumes with claims.
    pub template: PodTemplateSpec,
}

/// Workloads of the baseline's namespace.
#[derive(Debug, Clone, Copy, Default)]
pub struct Candidates<'a> {
    /// All Deployments.
    pub deployments: &'a [Deployment],
    /// All StatefulSets.
    pub stateful_sets: &'a [StatefulSet],
    /// All DaemonSets, to name the one that is refused.
    pub daemon_sets: &'a [DaemonSet],
    /// All CronJobs, to name the one that is refused.
    pub cron_jobs: &'a [CronJob],
}

/// The name of `service` for messages.
fn name_of(service: &Service) -> String {
    service.metadata.name.clone().unwrap_or_default()
}

fn record_of(service: &Service) -> Result<Option<Record>, CopyRefusal> {
    Record::of(service).map_err(|error| CopyRefusal::Record {
        service: name_of(service),
        reason: error.to_string(),
    })
}

/// The selector of `service` as its owner wrote it. A recorded Service's own selector may name the router.
///
/// # Errors
/// [`CopyRefusal::Record`], [`CopyRefusal::NoSelector`].
pub fn selector_of(service: &Service) -> Result<BTreeMap<String, String>, CopyRefusal> {
    let selector = match record_of(service)? {
        Some(record) => record.selector,
        None => service
            .spec
            .as_ref()
            .and_then(|spec| spec.selector.clone())
            .unwrap_or_default(),
    };
    if selector.is_empty() {
        return Err(CopyRefusal::NoSelector {
            service: name_of(service),
        });
    }
    Ok(selector)
}

/// The ports of `service` with the target ports that its owner wrote.
///
/// # Errors
/// [`CopyRefusal::Record`].
pub fn ports_of(service: &Service) -> Result<Vec<ServicePort>, CopyRefusal> {
    let ports = service
        .spec
        .as_ref()
        .and_then(|spec| spec.ports.clone())
        .unwrap_or_default();
    let Some(record) = record_of(service)? else {
        return Ok(ports);
    };
    let recorded = record.ports.into_iter().map(|port| ServicePort {
        name: port.name,
        port: i32::from(port.port),
        target_port: port.target_port,
        app_protocol: port.app_protocol,
        ..ServicePort::default()
    });
    Ok(recorded.collect())
}

/// Whether pods of `template` are selected. An empty selector selects nothing (core/v1 Service, "selector").
fn selects(selector: &BTreeMap<String, String>, template: Option<&ObjectMeta>) -> bool {
    let labels = template.and_then(|meta| meta.labels.as_ref());
    labels.is_some_and(|labels| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

/// Finds the one workload whose pods `service` selects.
///
/// # Errors
/// [`CopyRefusal`] where there is none, more than one, or one of a kind that cannot be copied.
pub fn find(service: &Service, candidates: &Candidates<'_>) -> Result<Workload, CopyRefusal> {
    let selector = selector_of(service)?;
    let mut found = copyable(&selector, candidates);
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            let all = found
                .iter()
                .chain([&last])
                .map(|w| format!("{:?} {}", w.kind, w.name));
            Err(CopyRefusal::ManyWorkloads {
                service: name_of(service),
                found: all.collect(),
            })
        }
        (None, _) => Err(refused_kind(service, &selector, candidates)),
    }
}

fn copyable(selector: &BTreeMap<String, String>, candidates: &Candidates<'_>) -> Vec<Workload> {
    let deployments = candidates.deployments.iter().filter_map(|deployment| {
        let spec = deployment.spec.as_ref()?;
        selects(selector, spec.template.metadata.as_ref()).then(|| Workload {
            kind: WorkloadKind::Deployment,
            name: deployment.metadata.name.clone().unwrap_or_default(),
            template: spec.template.clone(),
        })
    });
    let stateful_sets = candidates.stateful_sets.iter().filter_map(|set| {
        let spec = set.spec.as_ref()?;
        selects(selector, spec.template.metadata.as_ref()).then(|| Workload {
            kind: WorkloadKind::StatefulSet,
            name: set.metadata.name.clone().unwrap_or_default(),
            template: with_claims(set),
        })
    });
    deployments.chain(stateful_sets).collect()
}

/// The template of `set` with a volume for each claim template.
fn with_claims(set: &StatefulSet) -> PodTemplateSpec {
    let Some(spec) = &set.spec else {
        return PodTemplateSpec::default();
    };
    let mut template = spec.template.clone();
    let claims = spec
        .volume_claim_templates
        .iter()
        .flatten()
        .filter_map(|claim| claim.metadata.name.clone());
    let volumes = claims.map(|name| Volume {
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: name.clone(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        name,
        ..Volume::default()
    });
    if let Some(pod) = &mut template.spec {
        pod.volumes.get_or_insert_default().extend(volumes);
    }
    template
}

fn refused_kind(
    service: &Service,
    selector: &BTreeMap<String, String>,
    candidates: &Candidates<'_>,
) -> CopyRefusal {
    let refusal = |kind, name: Option<&String>| CopyRefusal::Kind {
        service: name_of(service),
        kind,
        name: name.cloned().unwrap_or_default(),
    };
    for set in candidates.daemon_sets {
        let template = set.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref());
        if selects(selector, template) {
            return refusal("DaemonSet", set.metadata.name.as_ref());
        }
    }
    for job in candidates.cron_jobs {
        let pod = job.spec.as_ref().and_then(|spec| spec.job_template.spec.as_ref());
        if selects(selector, pod.and_then(|spec| spec.template.metadata.as_ref())) {
            return refusal("CronJob", job.metadata.name.as_ref());
        }
    }
    CopyRefusal::NoWorkload {
        service: name_of(service),
    }
}

/// The number that a Service's port goes to by itself, or the name that a container must have.
pub(super) fn target_of(port: &ServicePort) -> IntOrString {
    port.target_port.clone().unwrap_or(IntOrString::Int(port.port))
}
