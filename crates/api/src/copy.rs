//! `ServiceCopy`: one workload of the baseline running a developer's code. Made by a developer in their personal namespace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a developer asks of a copy.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[kube(
    group = "devspace.dev",
    version = "v1alpha1",
    kind = "ServiceCopy",
    plural = "servicecopies",
    namespaced,
    status = "ServiceCopyStatus",
    derive = "PartialEq",
    derive = "Default",
    printcolumn = r#"{"name":"Service","type":"string","jsonPath":".spec.service"}"#,
    printcolumn = r#"{"name":"Phase","type":"string","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"Routed","type":"string","jsonPath":".status.conditions[?(@.type=='Routed')].status"}"#,
    printcolumn = r#"{"name":"Pod","type":"string","jsonPath":".status.pod.name"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ServiceCopySpec {
    /// The baseline's Service whose workload is copied. The object carries the same name.
    #[schemars(length(min = 1, max = 63))]
    pub service: String,
    /// Whether the agent runs the container.
    #[serde(default)]
    pub mode: CopyMode,
    /// The container of the template that runs the developer's code. Unset: the one that the Service's first port reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Image of that container. Unset: the baseline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Environment variables of that container that are added or replaced.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// CPU and memory of that container. Unset: the Baseline's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<CopyResources>,
    /// Folders in the container that hold synced files, absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sync_targets: Vec<String>,
    /// Folders in the container that outlive the pod, absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache: Vec<String>,
    /// How long requests wait while the copy restarts, as `30s`. Unset: 30 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// What answers when the copy was ready and is down for longer than `hold`.
    #[serde(default)]
    pub fallback: Fallback,
}

/// Whether the agent runs a copy's container.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum CopyMode {
    /// The agent runs it: files are synced, built and run.
    #[default]
    Agent,
    /// Only the image is replaced.
    Image,
}

/// CPU and memory as Kubernetes quantities, used as both request and limit where they are set.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyResources {
    /// CPU, as `500m` or `4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Memory, as `6Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

/// What answers a keyed request when the copy is down.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum Fallback {
    /// 503 that names the space, the copy and the command to look.
    #[default]
    Fail,
    /// The parent space, else the baseline.
    Parent,
}

/// Where a copy stands.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum CopyPhase {
    /// Not derived yet.
    #[default]
    Pending,
    /// The pod is being made or the agent or program is not ready.
    Starting,
    /// The program listened and is alive.
    Ready,
    /// It was ready and is not now.
    Down,
    /// It cannot be made; the condition `Ready` says why.
    Refused,
}

/// What the controller made of a copy.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceCopyStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the copy stands.
    #[serde(default)]
    pub phase: CopyPhase,
    /// The current pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<CopyPod>,
    /// Whether the copy was ever ready. From then on its requests never go to the baseline by surprise.
    #[serde(default)]
    pub ever_ready: bool,
    /// Ports that the workload's Service reaches in the container, for the agent to wait for and the CLI to show.
    #[serde(default)]
    pub ports: Vec<i32>,
    /// The command of the baseline's container, where the template has one; what runs when `devspace.yaml` names no `run`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Hash of the baseline's template that the copy was derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_hash: Option<String>,
    /// What of the baseline's template was dropped or changed, one line each, for people.
    #[serde(default)]
    pub changes: Vec<String>,
    /// Conditions.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The pod of a copy.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyPod {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its address, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Why it does not start, as the kubelet says it (`ImagePullBackOff: …`). Empty where nothing is wrong.
    #[serde(default)]
    pub trouble: String,
}
