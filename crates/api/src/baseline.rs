//! `Baseline`: the shared deployment of the application in one namespace. Made by an admin.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an admin decides about a baseline. One Baseline per namespace; a second one is refused in its status.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[kube(
    group = "devspace.dev",
    version = "v1alpha1",
    kind = "Baseline",
    plural = "baselines",
    namespaced,
    status = "BaselineStatus",
    derive = "PartialEq",
    derive = "Default",
    printcolumn = r#"{"name":"Router","type":"string","jsonPath":".status.router.summary","description":"Ready routers of those wanted"}"#,
    printcolumn = r#"{"name":"Intercepted","type":"integer","jsonPath":".status.interceptedCount","description":"Services whose traffic passes the router"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct BaselineSpec {
    /// Which Services are intercepted.
    #[serde(default)]
    pub intercept: Intercept,
    /// Public hosts of the application. Empty: the hosts of the namespace's Ingress objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Carriers of the space key that are read and written. Unset: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carriers: Option<Vec<Carrier>>,
    /// Whether the gateway takes a key that a caller from outside brings in a header.
    #[serde(default)]
    pub outside_keys: OutsideKeys,
    /// Which Secrets are mirrored into personal namespaces.
    #[serde(default)]
    pub secrets: SecretPolicy,
    /// Defaults of copies.
    #[serde(default)]
    pub copies: CopyDefaults,
    /// Limits of spaces.
    #[serde(default)]
    pub limits: SpaceLimits,
    /// The router's Deployment.
    #[serde(default)]
    pub router: RouterSettings,
}

/// Which Services of the namespace are intercepted. The three rules add up; `except` takes away.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intercept {
    /// Every Service that can be.
    #[serde(default)]
    pub all: bool,
    /// Services by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Services by label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Services that are left alone whatever the other rules say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Where a request carries its space key.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema)]
pub enum Carrier {
    /// The header `devspace-route-as`.
    Header,
    /// The headers `azds-route-as` and `kubernetes-route-as`.
    CompatibleHeaders,
    /// The member `devspace` of W3C `baggage`.
    Baggage,
    /// The member `devspace` of W3C `tracestate`.
    Tracestate,
    /// The space of the pod that opened the connection.
    CallingPod,
}

/// What happens to a key that comes from outside the cluster in a header.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum OutsideKeys {
    /// It is taken off at the gateway. Hosts, cookie and tunnel still choose a space.
    #[default]
    Drop,
    /// It counts.
    Allow,
}

/// Which Secrets of the baseline are mirrored into a personal namespace.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretPolicy {
    /// The rule.
    #[serde(default)]
    pub mirror: SecretMirror,
    /// The names that `mirror: Listed` means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// The rule of a [`SecretPolicy`]. Service account tokens are never mirrored.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum SecretMirror {
    /// Those that the copied workload names.
    #[default]
    Referenced,
    /// None.
    None,
    /// Those of the list that the copied workload names.
    Listed,
}

/// Defaults of copies, as Kubernetes quantities.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyDefaults {
    /// CPU limit of a copy with the agent. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Memory limit of a copy with the agent. Unset: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Size of the cache volume. Unset: `5Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_size: Option<String>,
    /// StorageClass of the cache volume. Unset: the cluster's default; without one the cache is an empty volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// Limits of spaces.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceLimits {
    /// Spaces that may exist at once. Unset: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spaces: Option<u32>,
    /// How many parents a space may have above it, the baseline not counted. Unset: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u8>,
    /// ResourceQuota `hard` values of every personal namespace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quota: BTreeMap<String, String>,
    /// Labels that every personal namespace gets, for example a pod security level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespace_labels: BTreeMap<String, String>,
}

/// The router's Deployment.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouterSettings {
    /// Pods. Unset: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub replicas: Option<u16>,
    /// How long a router waits, after it stopped taking connections, for what is in flight: seconds. Unset: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_seconds: Option<u32>,
    /// Resource requests of a router pod, by resource name. Unset: 100m and 64Mi.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, String>,
    /// Resource limits of a router pod, by resource name. Unset: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
}

/// What the controller sees of a baseline.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Each Service of the namespace, sorted by name.
    #[serde(default)]
    pub services: Vec<ServiceState>,
    /// How many of them are intercepted.
    #[serde(default)]
    pub intercepted_count: i32,
    /// The router.
    #[serde(default)]
    pub router: RouterState,
    /// Public hosts in use, the first is the one that people see.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Conditions.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The router as the controller sees it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouterState {
    /// Ready pods.
    #[serde(default)]
    pub ready: i32,
    /// Pods wanted.
    #[serde(default)]
    pub desired: i32,
    /// `ready/desired`, for people.
    #[serde(default)]
    pub summary: String,
}

/// One Service of the baseline.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// Whether its traffic passes the router.
    pub state: Interception,
    /// One CamelCase word that says why, for programs. Empty where nothing needs a reason.
    #[serde(default)]
    pub reason: String,
    /// The same for people, with what to do.
    #[serde(default)]
    pub message: String,
    /// Since when it is in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// Whether a Service's traffic passes the router.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum Interception {
    /// It does.
    Intercepted,
    /// It does not, and nothing asks for it, or it is on the way there.
    Plain,
    /// Another writer keeps taking it back, so it is left plain.
    Contended,
    /// It cannot be intercepted.
    Refused,
}
