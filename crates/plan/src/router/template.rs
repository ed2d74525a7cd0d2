//! The router's Deployment.

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::baseline::RouterSettings;
use devspace_api::names::{ROUTER_NAME, ROUTER_SELECTOR_VALUE};
use devspace_core::ports::{GATEWAY, ROUTER_ADMIN};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource, HTTPGetAction,
    Lifecycle, LifecycleHandler, ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    ResourceRequirements, SeccompProfile, SecurityContext, SleepAction, TopologySpreadConstraint, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, meta, selector};

/// Annotation on the Deployment: hash of its pod template without the teams' selector keys.
const TEMPLATE_HASH: &str = "devspace.dev/template-hash";
/// Routers of a baseline that says nothing about it.
const REPLICAS: u16 = 2;
/// Seconds that a router waits for what is in flight, unless the Baseline says otherwise.
const DRAIN_SECONDS: u32 = 30;
/// Seconds between the end of a pod's readiness and its SIGTERM: time for every node to stop sending connections.
const PRESTOP_SECONDS: u32 = 5;
/// User of our images, which have no other.
const USER: i64 = 65_532;

/// What the router's Deployment is made from.
#[derive(Debug, Clone, Copy)]
pub struct RouterSpec<'a> {
    /// The baseline's namespace.
    pub namespace: &'a str,
    /// The router's image.
    pub image: &'a str,
    /// When the kubelet pulls it.
    pub pull_policy: &'a str,
    /// Priority class of its pods.
    pub priority_class: Option<&'a str>,
    /// What the admin says.
    pub settings: &'a RouterSettings,
}

/// The Deployment. `live` is the one that exists.
///
/// Selector keys alone never roll the router: where nothing else of the template changes, the labels of the live template
/// stay, and the controller labels pods by themselves. A rollout for another reason takes all keys along.
#[must_use]
pub fn deployment(spec: &RouterSpec<'_>, keys: &BTreeSet<String>, live: Option<&Deployment>) -> Deployment {
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels()),
            ..ObjectMeta::default()
        }),
        spec: Some(pod(spec)),
    };
    let hash = crate::copy::hash_of(&template);
    let labels_of_template = match live.filter(|live| annotation(live) == Some(hash.as_str())) {
        Some(live) => template_labels(live),
        None => with_keys(keys),
    };
    template.metadata = Some(ObjectMeta {
        labels: Some(labels_of_template),
        ..ObjectMeta::default()
    });
    let replicas = spec.settings.replicas.unwrap_or(REPLICAS);
    let mut metadata = meta(ROUTER_NAME, spec.namespace);
    metadata.annotations = Some([(TEMPLATE_HASH.to_owned(), hash)].into());
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            replicas: Some(replicas.into()),
            selector: LabelSelector {
                match_labels: Some(selector()),
                ..LabelSelector::default()
            },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(0)),
                    max_surge: Some(IntOrString::Int(1)),
                }),
            }),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn annotation(live: &Deployment) -> Option<&str> {
    live.metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(TEMPLATE_HASH))
        .map(String::as_str)
}

/// Labels of the live pod template that are ours to keep: our own and the teams' selector keys.
#[must_use]
pub fn template_labels(live: &Deployment) -> BTreeMap<String, String> {
    let spec = live.spec.as_ref();
    let template = spec
        .and_then(|spec| spec.template.metadata.as_ref())
        .and_then(|meta| meta.labels.clone());
    let mut kept: BTreeMap<String, String> = template.unwrap_or_default();
    kept.retain(|_, value| value == ROUTER_SELECTOR_VALUE);
    kept.extend(labels());
    kept
}

fn with_keys(keys: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = keys
        .iter()
        .map(|key| (key.clone(), ROUTER_SELECTOR_VALUE.to_owned()))
        .collect();
    // A team that selects by `app.kubernetes.io/name` gets the value it needs, which is this label's own.
    for (key, value) in labels() {
        all.entry(key).or_insert(value);
    }
    all
}

/// The keys that a live router pod lacks.
#[must_use]
pub fn missing_labels(keys: &BTreeSet<String>, pod: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let lacks = |key: &&String| pod.get(*key).is_none_or(|value| value != ROUTER_SELECTOR_VALUE);
    keys.iter()
        .filter(lacks)
        .map(|key| (key.clone(), ROUTER_SELECTOR_VALUE.to_owned()))
        .collect()
}

fn pod(spec: &RouterSpec<'_>) -> PodSpec {
    let drain = spec.settings.drain_seconds.unwrap_or(DRAIN_SECONDS);
    // Time to stop being sent connections, to drain, and to end.
    let grace = drain.saturating_add(PRESTOP_SECONDS).saturating_add(5);
    PodSpec {
        service_account_name: Some(ROUTER_NAME.to_owned()),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(grace.into()),
        priority_class_name: spec.priority_class.map(str::to_owned),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        topology_spread_constraints: Some(vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname".to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(LabelSelector {
                match_labels: Some(selector()),
                ..LabelSelector::default()
            }),
            ..TopologySpreadConstraint::default()
        }]),
        volumes: Some(vec![Volume {
            name: "state".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        }]),
        containers: vec![container(spec, drain)],
        ..PodSpec::default()
    }
}

fn container(spec: &RouterSpec<'_>, drain: u32) -> Container {
    let state_dir = "/var/lib/devspace";
    Container {
        name: "router".to_owned(),
        image: Some(spec.image.to_owned()),
        image_pull_policy: Some(spec.pull_policy.to_owned()),
        args: Some(vec![
            "--baseline-namespace".to_owned(),
            spec.namespace.to_owned(),
            "--state-dir".to_owned(),
            state_dir.to_owned(),
            "--drain-seconds".to_owned(),
            drain.to_string(),
        ]),
        env: Some(vec![
            from_field("POD_NAME", "metadata.name"),
            from_field("POD_IP", "status.podIP"),
        ]),
        ports: Some(vec![port("gateway", GATEWAY), port("admin", ROUTER_ADMIN)]),
        readiness_probe: Some(probe("/readyz", 1, 2)),
        // Death by liveness closes connections of everybody: only a router that answers nothing for a minute is ended.
        liveness_probe: Some(probe("/healthz", 10, 6)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: PRESTOP_SECONDS.into(),
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        resources: Some(resources(spec)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                add: None,
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: "state".to_owned(),
            mount_path: state_dir.to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

fn resources(spec: &RouterSpec<'_>) -> ResourceRequirements {
    let quantities = |all: &BTreeMap<String, String>| -> BTreeMap<String, Quantity> {
        all.iter()
            .map(|(name, value)| (name.clone(), Quantity(value.clone())))
            .collect()
    };
    let mut requests = quantities(&spec.settings.requests);
    if requests.is_empty() {
        requests = [("cpu", "100m"), ("memory", "64Mi")]
            .map(|(k, v)| (k.to_owned(), Quantity(v.to_owned())))
            .into();
    }
    let limits = quantities(&spec.settings.limits);
    ResourceRequirements {
        requests: Some(requests),
        limits: (!limits.is_empty()).then_some(limits),
        ..ResourceRequirements::default()
    }
}

fn from_field(name: &str, path: &str) -> EnvVar {
    let field = ObjectFieldSelector {
        field_path: path.to_owned(),
        ..ObjectFieldSelector::default()
    };
    let value_from = Some(EnvVarSource {
        field_ref: Some(field),
        ..EnvVarSource::default()
    });
    EnvVar {
        name: name.to_owned(),
        value_from,
        ..EnvVar::default()
    }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::Int(ROUTER_ADMIN.into()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}
