//! Why a Service cannot be intercepted.

use devspace_api::names::{GATEWAY_SERVICE, MANAGED_BY, MANAGER, SHADOW_OF_LABEL};
use devspace_api::record::RecordError;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};

/// Labels of pods that change with each rollout. A controller that shifts traffic by them owns the selector.
const HASH_KEYS: [&str; 3] = [
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
];

/// Why a Service cannot be intercepted. The message says what to do where something can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `clusterIP: None`: callers reach pods by their own addresses.
    #[error("headless: callers reach its pods by their own addresses, which no router can stand for")]
    Headless,
    /// `type: ExternalName`.
    #[error("type ExternalName: it is a DNS name and has no traffic of its own")]
    ExternalName,
    /// No selector.
    #[error("no selector: its endpoints are written by hand")]
    NoSelector,
    /// No ports.
    #[error("no ports")]
    NoPorts,
    /// A port that is not TCP.
    #[error("port {port} is {protocol}: a Service is intercepted whole or not at all, and only TCP can be")]
    Protocol {
        /// The port.
        port: i32,
        /// Its protocol.
        protocol: String,
    },
    /// `internalTrafficPolicy: Local`.
    #[error("internalTrafficPolicy is Local: traffic must stay on its node")]
    InternalTrafficLocal,
    /// `externalTrafficPolicy: Local`.
    #[error("externalTrafficPolicy is Local: its pods see the callers' addresses, which a router would hide")]
    ExternalTrafficLocal,
    /// `trafficDistribution` is set.
    #[error("trafficDistribution is {0}: the router would choose endpoints by another rule")]
    TrafficDistribution(String),
    /// `publishNotReadyAddresses` is set.
    #[error("publishNotReadyAddresses is set: callers want pods that are not ready")]
    NotReadyAddresses,
    /// A canary controller rewrites the selector.
    #[error(
        "{0} shifts this Service's traffic by its selector: name it under `intercept.except`, and intercept the Service in front of it"
    )]
    Canary(String),
    /// A NetworkPolicy would be walked around or would cut the router off.
    #[error("NetworkPolicy {policy} {effect}")]
    NetworkPolicy {
        /// The policy's name.
        policy: String,
        /// What it does.
        effect: PolicyEffect,
    },
    /// The record cannot be read.
    #[error("{0}; `devspace baseline restore` or an apply of the Service puts it back")]
    Record(String),
    /// The selector has the router's value, and neither a record nor a shadow says what was there before.
    #[error(
        "its selector has the value `devspace-proxy` and nothing says what was there before: apply the Service again"
    )]
    Lost,
    /// No listener of the router is free.
    #[error("all listeners of the router are taken")]
    Listeners,
}

/// What a NetworkPolicy would do to an intercepted Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyEffect {
    /// The pods admit only some callers, and the router would be a way around it.
    #[error("limits who may call its pods, and traffic through the router would pass that limit")]
    LimitsCallers,
    /// Callers may reach only some pods, and the router's are not among them.
    #[error(
        "limits what callers may reach: allow them to reach pods with the label `devspace.dev/router: \"true\"` too"
    )]
    LimitsEgress,
}

impl Refusal {
    /// One CamelCase word for programs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Headless => "Headless",
            Self::ExternalName => "ExternalName",
            Self::NoSelector => "NoSelector",
            Self::NoPorts => "NoPorts",
            Self::Protocol { .. } => "Protocol",
            Self::InternalTrafficLocal => "InternalTrafficLocal",
            Self::ExternalTrafficLocal => "ExternalTrafficLocal",
            Self::TrafficDistribution(_) => "TrafficDistribution",
            Self::NotReadyAddresses => "NotReadyAddresses",
            Self::Canary(_) => "Canary",
            Self::NetworkPolicy { .. } => "NetworkPolicy",
            Self::Record(_) => "RecordUnreadable",
            Self::Lost => "RecordLost",
            Self::Listeners => "NoListenerFree",
        }
    }
}

impl From<&RecordError> for Refusal {
    fn from(error: &RecordError) -> Self {
        Self::Record(error.to_string())
    }
}

/// Whether the Service is one of ours, which are never intercepted and never reported.
#[must_use]
pub fn is_own(service: &Service) -> bool {
    let label = |key: &str| {
        service
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(key))
    };
    label(SHADOW_OF_LABEL).is_some()
        || (label(MANAGED_BY).is_some_and(|by| by == MANAGER)
            && service.metadata.name.as_deref() == Some(GATEWAY_SERVICE))
}

/// Why the Service by itself cannot be intercepted, or `None`. NetworkPolicies are looked at by
/// [`network_refusal`](super::network_refusal).
#[must_use]
pub fn refusal(service: &Service) -> Option<Refusal> {
    let spec = service.spec.as_ref()?;
    if spec.type_.as_deref() == Some("ExternalName") {
        return Some(Refusal::ExternalName);
    }
    if spec.cluster_ip.as_deref() == Some("None") {
        return Some(Refusal::Headless);
    }
    if spec.selector.as_ref().is_none_or(|selector| selector.is_empty()) {
        return Some(Refusal::NoSelector);
    }
    ports_refusal(spec)
        .or_else(|| traffic_refusal(spec))
        .or_else(|| canary(service).map(Refusal::Canary))
}

fn ports_refusal(spec: &ServiceSpec) -> Option<Refusal> {
    let ports = spec.ports.as_deref().unwrap_or_default();
    if ports.is_empty() {
        return Some(Refusal::NoPorts);
    }
    let other = ports.iter().find_map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        (protocol != "TCP").then(|| (port.port, protocol.to_owned()))
    });
    other.map(|(port, protocol)| Refusal::Protocol { port, protocol })
}

fn traffic_refusal(spec: &ServiceSpec) -> Option<Refusal> {
    if spec.internal_traffic_policy.as_deref() == Some("Local") {
        return Some(Refusal::InternalTrafficLocal);
    }
    if spec.external_traffic_policy.as_deref() == Some("Local") {
        return Some(Refusal::ExternalTrafficLocal);
    }
    if let Some(distribution) = &spec.traffic_distribution {
        return Some(Refusal::TrafficDistribution(distribution.clone()));
    }
    (spec.publish_not_ready_addresses == Some(true)).then_some(Refusal::NotReadyAddresses)
}

/// The canary controller that rewrites the Service, if there is one (Argo Rollouts' and Flagger's documentation).
fn canary(service: &Service) -> Option<String> {
    let meta = &service.metadata;
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    if let Some(key) = HASH_KEYS
        .iter()
        .find(|key| selector.is_some_and(|s| s.contains_key(**key)))
    {
        return Some(format!("a controller that writes the selector key `{key}`"));
    }
    let rollouts = "argo-rollouts.argoproj.io/managed-by-rollouts";
    if meta
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(rollouts))
    {
        return Some("Argo Rollouts".to_owned());
    }
    let flagger = |label: &String| label == "flagger";
    let owned = meta
        .owner_references
        .iter()
        .flatten()
        .any(|owner| owner.kind == "Canary");
    let labelled = meta
        .labels
        .as_ref()
        .and_then(|labels| labels.get(MANAGED_BY))
        .is_some_and(flagger);
    (owned || labelled).then(|| "Flagger".to_owned())
}
