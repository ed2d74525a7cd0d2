//! The router of a baseline: the objects that the controller keeps in the baseline's namespace.

mod objects;
mod template;

pub use objects::{cluster_binding_name, disruption_budget, gateway, rbac, selects_router};
pub use template::{RouterSpec, deployment, missing_labels, template_labels};

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::names::{MANAGED_BY, MANAGER, ROUTER_LABEL, ROUTER_NAME};
use devspace_api::record::Record;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Labels of every object of a router.
fn labels() -> BTreeMap<String, String> {
    [
        (MANAGED_BY, MANAGER),
        (ROUTER_LABEL, "true"),
        ("app.kubernetes.io/name", ROUTER_NAME),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn meta(name: &str, namespace: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        labels: Some(labels()),
        ..ObjectMeta::default()
    }
}

/// What router pods are found by. It never changes: a Deployment's selector cannot.
#[must_use]
pub fn selector() -> BTreeMap<String, String> {
    [(ROUTER_LABEL.to_owned(), "true".to_owned())].into()
}

/// Every selector key of the recorded Services. Each router pod must carry all of them with the router's value.
#[must_use]
pub fn selector_keys<'a>(records: impl IntoIterator<Item = &'a Record>) -> BTreeSet<String> {
    records
        .into_iter()
        .flat_map(|record| record.selector.keys().cloned())
        .collect()
}

#[cfg(test)]
mod tests;
