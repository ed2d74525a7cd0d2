//! `Space`: a named view of the application. Made by a developer in the baseline's namespace.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a developer asks of a space. The object's name is the space key.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[kube(
    group = "devspace.dev",
    version = "v1alpha1",
    kind = "Space",
    plural = "spaces",
    namespaced,
    status = "SpaceStatus",
    derive = "PartialEq",
    derive = "Default",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$') && !self.metadata.name.contains('--')").message("a space's name is a DNS label without `--`"),
    printcolumn = r#"{"name":"Owner","type":"string","jsonPath":".spec.owner"}"#,
    printcolumn = r#"{"name":"Parent","type":"string","jsonPath":".spec.parent"}"#,
    printcolumn = r#"{"name":"Namespace","type":"string","jsonPath":".status.namespace"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type=='Ready')].status"}"#,
    printcolumn = r#"{"name":"URL","type":"string","jsonPath":".status.urls[0]"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct SpaceSpec {
    /// The user who owns the space, as the API server names them. An admission policy holds it to the caller.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// The space that requests fall back to. Unset: the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How long the space lives without use, as `48h`. Unset: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// Other users who may use the personal namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<String>,
}

/// What the controller made of a space.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpaceStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The personal namespace, once it exists and belongs to this space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Addresses of the application as this space sees it.
    #[serde(default)]
    pub urls: Vec<String>,
    /// The fallback chain from this space to its last parent, the baseline not named.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Conditions.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}
