//! What stands beside the router's Deployment.

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::names::{
    BASELINE_LABEL, GATEWAY_SERVICE, ROUTER_CLUSTER_ROLE, ROUTER_NAME, ROUTER_ROLE, ROUTER_SELECTOR_VALUE,
};
use devspace_core::ports::GATEWAY;
use k8s_openapi::api::core::v1::{Service, ServiceAccount, ServicePort, ServiceSpec};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{labels, meta, selector};
use crate::interception::matches;

/// The Service for people's entry.
#[must_use]
pub fn gateway(namespace: &str) -> Service {
    Service {
        metadata: meta(GATEWAY_SERVICE, namespace),
        spec: Some(ServiceSpec {
            selector: Some(selector()),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: 80,
                target_port: Some(IntOrString::Int(GATEWAY.into())),
                protocol: Some("TCP".to_owned()),
                app_protocol: Some("http".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// At most one router at a time may be evicted.
#[must_use]
pub fn disruption_budget(namespace: &str) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: meta(ROUTER_NAME, namespace),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(selector()),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

/// Whether a budget of the team selects the router's pods too. A pod under two budgets cannot be evicted at all
/// (Kubernetes documentation, "Specifying a Disruption Budget"), so ours must go then.
#[must_use]
pub fn selects_router(budget: &PodDisruptionBudget, keys: &BTreeSet<String>) -> bool {
    let mut labels = labels();
    labels.extend(
        keys.iter()
            .map(|key| (key.clone(), ROUTER_SELECTOR_VALUE.to_owned())),
    );
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    budget.metadata.name.as_deref() != Some(ROUTER_NAME)
        && selector.is_some_and(|selector| matches(selector, &labels))
}

/// Name of the router's ClusterRoleBinding for a baseline.
#[must_use]
pub fn cluster_binding_name(namespace: &str) -> String {
    format!("{ROUTER_CLUSTER_ROLE}-{namespace}")
}

/// The router's ServiceAccount and its bindings: to one role in the baseline's namespace, to another in the cluster.
#[must_use]
pub fn rbac(namespace: &str) -> (ServiceAccount, RoleBinding, ClusterRoleBinding) {
    let subjects = Some(vec![Subject {
        kind: "ServiceAccount".to_owned(),
        name: ROUTER_NAME.to_owned(),
        namespace: Some(namespace.to_owned()),
        api_group: None,
    }]);
    let role = |name: &str| RoleRef {
        api_group: "rbac.authorization.k8s.io".to_owned(),
        kind: "ClusterRole".to_owned(),
        name: name.to_owned(),
    };
    let account = ServiceAccount {
        metadata: meta(ROUTER_NAME, namespace),
        ..ServiceAccount::default()
    };
    let binding = RoleBinding {
        metadata: meta(ROUTER_NAME, namespace),
        role_ref: role(ROUTER_ROLE),
        subjects: subjects.clone(),
    };
    let mut cluster_labels: BTreeMap<String, String> = labels();
    cluster_labels.insert(BASELINE_LABEL.to_owned(), namespace.to_owned());
    let cluster_meta = ObjectMeta {
        name: Some(cluster_binding_name(namespace)),
        labels: Some(cluster_labels),
        ..ObjectMeta::default()
    };
    let cluster_binding = ClusterRoleBinding {
        metadata: cluster_meta,
        role_ref: role(ROUTER_CLUSTER_ROLE),
        subjects,
    };
    (account, binding, cluster_binding)
}
