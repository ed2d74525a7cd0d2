//! Where a copy runs: kinds of node stay, single nodes and what spreads replicas go.

use k8s_openapi::api::core::v1::{Affinity, NodeSelectorTerm, PodSpec};

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// The label that names one node.
const HOSTNAME: &str = "kubernetes.io/hostname";

pub(super) fn apply(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    let mut gone = Vec::new();
    let pod = &mut draft.pod;
    if pod.node_name.take().is_some() {
        gone.push("node name");
    }
    if pod
        .node_selector
        .as_mut()
        .is_some_and(|labels| labels.remove(HOSTNAME).is_some())
    {
        gone.push("node selector by host name");
    }
    gone.extend(affinity(pod));
    if pod
        .topology_spread_constraints
        .take()
        .is_some_and(|all| !all.is_empty())
    {
        gone.push("topology spread");
    }
    if pod.priority_class_name.take().is_some() {
        gone.push("priority class");
    }
    // Admission writes both from the class.
    pod.priority = None;
    pod.preemption_policy = None;
    if pod.scheduling_gates.take().is_some_and(|all| !all.is_empty()) {
        gone.push("scheduling gates");
    }
    // Claims are objects of the baseline's namespace.
    if pod.resource_claims.take().is_some_and(|all| !all.is_empty()) {
        gone.push("device claims");
    }
    for what in gone {
        draft.change(format!("{what} dropped"));
    }
    Ok(())
}

fn affinity(pod: &mut PodSpec) -> Vec<&'static str> {
    let Some(Affinity {
        mut node_affinity,
        pod_affinity,
        pod_anti_affinity,
    }) = pod.affinity.take()
    else {
        return Vec::new();
    };
    let mut gone = Vec::new();
    if pod_affinity.is_some() {
        // Pods of the baseline are in another namespace, so a required term would match nothing for ever.
        gone.push("pod affinity");
    }
    if pod_anti_affinity.is_some() {
        gone.push("pod anti-affinity");
    }
    let required = node_affinity
        .as_mut()
        .and_then(|node| node.required_during_scheduling_ignored_during_execution.as_mut());
    if let Some(required) = required {
        let named = required
            .node_selector_terms
            .iter_mut()
            .filter_map(|term| by_host(term).then_some(()))
            .count();
        if named > 0 {
            gone.push("node affinity by host name");
            required.node_selector_terms.retain(|term| !is_empty(term));
        }
    }
    let unneeded = |node: &k8s_openapi::api::core::v1::NodeAffinity| {
        node.required_during_scheduling_ignored_during_execution
            .as_ref()
            .is_some_and(|required| required.node_selector_terms.is_empty())
    };
    if let Some(node) = node_affinity.as_mut().filter(|node| unneeded(node)) {
        node.required_during_scheduling_ignored_during_execution = None;
    }
    let node_affinity =
        node_affinity.filter(|node| *node != k8s_openapi::api::core::v1::NodeAffinity::default());
    pod.affinity = node_affinity.map(|node| Affinity {
        node_affinity: Some(node),
        ..Affinity::default()
    });
    gone
}

/// Takes out of `term` what names single nodes. Returns whether there was any.
fn by_host(term: &mut NodeSelectorTerm) -> bool {
    let fields = term.match_fields.take().is_some_and(|all| !all.is_empty());
    let Some(expressions) = &mut term.match_expressions else {
        return fields;
    };
    let before = expressions.len();
    expressions.retain(|expression| expression.key != HOSTNAME);
    fields || expressions.len() != before
}

fn is_empty(term: &NodeSelectorTerm) -> bool {
    term.match_fields.as_ref().is_none_or(Vec::is_empty)
        && term.match_expressions.as_ref().is_none_or(Vec::is_empty)
}
