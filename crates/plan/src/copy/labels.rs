//! Labels that something in the baseline selects go; ours come.

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::names::{BASELINE_LABEL, COPY_LABEL, MANAGED_BY, MANAGER, SPACE_LABEL};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::draft::{Draft, RESTARTED_AT};
use super::workload::{Candidates, selector_of};
use super::{CopyContext, CopyRefusal, Input};

/// Labels that workload controllers write into the pods they make.
const OF_CONTROLLERS: [&str; 4] = [
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// Our own domain: nothing of it is taken over from the baseline.
const OURS: &str = "devspace.dev/";

/// Label keys that Services and workloads of the baseline's namespace select.
#[must_use]
pub fn selected_keys(services: &[Service], workloads: &Candidates<'_>) -> BTreeSet<String> {
    let by_services = services.iter().flat_map(|service| {
        let live = service
            .spec
            .as_ref()
            .and_then(|spec| spec.selector.clone())
            .unwrap_or_default();
        // A record that cannot be read hides nothing: the flipped selector has the same keys.
        live.into_keys()
            .chain(selector_of(service).unwrap_or_default().into_keys())
    });
    let deployments = workloads
        .deployments
        .iter()
        .filter_map(|w| w.spec.as_ref().map(|spec| &spec.selector));
    let stateful = workloads
        .stateful_sets
        .iter()
        .filter_map(|w| w.spec.as_ref().map(|spec| &spec.selector));
    let daemons = workloads
        .daemon_sets
        .iter()
        .filter_map(|w| w.spec.as_ref().map(|spec| &spec.selector));
    let by_workloads = deployments.chain(stateful).chain(daemons).flat_map(keys_of);
    by_services.chain(by_workloads).collect()
}

fn keys_of(selector: &LabelSelector) -> Vec<String> {
    let equal = selector.match_labels.iter().flatten().map(|(key, _)| key.clone());
    let expressions = selector
        .match_expressions
        .iter()
        .flatten()
        .map(|expression| expression.key.clone());
    equal.chain(expressions).collect()
}

/// The labels of everything that belongs to the copy of `service`.
#[must_use]
pub(super) fn own(context: &CopyContext<'_>, service: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (BASELINE_LABEL.to_owned(), context.baseline_namespace.to_owned()),
        (SPACE_LABEL.to_owned(), context.space.to_owned()),
        (COPY_LABEL.to_owned(), service.to_owned()),
        (MANAGED_BY.to_owned(), MANAGER.to_owned()),
    ])
}

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let selected = input.context.selected_keys;
    let all = std::mem::take(&mut draft.labels);
    for (key, value) in all {
        let controlled = OF_CONTROLLERS.contains(&key.as_str()) || key.starts_with(OURS) || key == MANAGED_BY;
        if selected.contains(&key) {
            draft.change(format!("label {key}={value} dropped, the baseline selects by it"));
        } else if !controlled {
            draft.labels.insert(key, value);
        }
    }
    draft.labels.extend(own(input.context, &input.spec.service));
    let clutter = |key: &String| key.starts_with(OURS) || key == RESTARTED_AT;
    draft.annotations.retain(|key, _| !clutter(key));
    Ok(())
}
