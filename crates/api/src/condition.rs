//! Conditions, after the Kubernetes API conventions ("typical status properties").

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// Condition types that we set.
pub mod kind {
    /// The object is what its spec asks for.
    pub const READY: &str = "Ready";
    /// Every ready router sends the space's requests to this copy.
    pub const ROUTED: &str = "Routed";
    /// The baseline's template has changed since the copy was derived.
    pub const DRIFT: &str = "Drift";
    /// The router of a baseline has a ready pod.
    pub const ROUTER_READY: &str = "RouterReady";
}

/// Whether the condition `kind` is `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|c| c.type_ == kind && c.status == "True")
}

/// The condition `kind`, if it is there.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == kind)
}
