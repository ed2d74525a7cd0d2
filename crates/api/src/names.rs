//! Labels, annotations and names that more than one program must agree on.

/// On everything that we make: who made it.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`], and the field manager of server-side apply.
pub const MANAGER: &str = "devspace-controller";
/// The field manager of patches by the CLI.
pub const CLI_MANAGER: &str = "devspace-cli";

/// Label: the baseline's namespace, on personal namespaces and on everything of ours outside the baseline's namespace.
pub const BASELINE_LABEL: &str = "devspace.dev/baseline";
/// Label: the space's name, on personal namespaces and on everything in them (Services, EndpointSlices, pods too).
pub const SPACE_LABEL: &str = "devspace.dev/space";
/// Label: the service that a copy stands for, on everything that belongs to the copy.
pub const COPY_LABEL: &str = "devspace.dev/copy";
/// Annotation on a personal namespace: the UID of its Space. A namespace without it is never touched.
pub const SPACE_UID_ANNOTATION: &str = "devspace.dev/space-uid";
/// Label on a Space and its namespace: the owner's name as a hash, since user names are no label values.
pub const OWNER_HASH_LABEL: &str = "devspace.dev/owner-hash";

/// Annotation on an intercepted Service: the interception record as JSON.
pub const RECORD_ANNOTATION: &str = "devspace.dev/interception";
/// The value that every selector key of an intercepted Service gets, and that the router's pods carry.
pub const ROUTER_SELECTOR_VALUE: &str = "devspace-proxy";
/// Label on a shadow Service: the Service that it shadows.
pub const SHADOW_OF_LABEL: &str = "devspace.dev/shadow-of";
/// Label on the router's own pods and objects, with the value `true`.
pub const ROUTER_LABEL: &str = "devspace.dev/router";

/// Annotation on a ServiceCopy: any text that changes when the developer asks anew (`up` writes one each time).
/// With a new value the copy takes over what has changed in the baseline since; without, the change is only drift.
pub const REFRESH_ANNOTATION: &str = "devspace.dev/refresh";
/// Annotation on a ServiceCopy: the ports that its program listens on, then its debugger's, comma separated.
pub const PORTS_ANNOTATION: &str = "devspace.dev/ports";
/// Annotation on a copy's Deployment: which ask of the developer its template follows.
pub const DERIVED_FROM_ANNOTATION: &str = "devspace.dev/derived-from";
/// Annotation on a copy's Deployment: hash of the template that we derived.
pub const DERIVED_HASH_ANNOTATION: &str = "devspace.dev/derived-hash";
/// Annotation on a copy's Deployment: hash of the baseline's template that it was derived from.
pub const TEMPLATE_HASH_ANNOTATION: &str = "devspace.dev/template-hash";
/// Annotation on a mirrored ConfigMap or Secret: hash of what the original holds.
pub const MIRROR_HASH_ANNOTATION: &str = "devspace.dev/mirror-hash";
/// ClusterRole that an owner gets in the personal namespace.
pub const SPACE_OWNER_ROLE: &str = "devspace-space-owner";

/// Finalizer on Space, Baseline and ServiceCopy.
pub const FINALIZER: &str = "devspace.dev/cleanup";

/// Name of the router's Deployment, ServiceAccount and PodDisruptionBudget in the baseline's namespace.
pub const ROUTER_NAME: &str = "devspace-proxy";
/// ClusterRole of the router in its baseline's namespace. Part of the chart.
pub const ROUTER_ROLE: &str = "devspace-router";
/// ClusterRole of the router in the whole cluster. Part of the chart.
pub const ROUTER_CLUSTER_ROLE: &str = "devspace-router-cluster";
/// ClusterRole that an admin binds to developers in a baseline's namespace. Part of the chart.
pub const DEVELOPER_ROLE: &str = "devspace-developer";
/// Name of the Service for people's entry in the baseline's namespace.
pub const GATEWAY_SERVICE: &str = "devspace-gateway";
/// Name of the Baseline that `devspace baseline enable` makes. One Baseline per namespace.
pub const BASELINE_NAME: &str = "baseline";

/// Namespace of the ConfigMap that tells a CLI which baselines and hosts exist.
pub const DISCOVERY_NAMESPACE: &str = "kube-public";
/// Name of that ConfigMap. One key per baseline namespace, each a JSON [`Discovery`].
pub const DISCOVERY_NAME: &str = "devspace";

/// One entry of the discovery ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// Public hosts of the baseline, the first is used for addresses that people see.
    pub hosts: Vec<String>,
}
