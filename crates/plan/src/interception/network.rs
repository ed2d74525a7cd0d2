//! NetworkPolicies that an intercepted Service would walk around, or that would cut callers off from the router
//! (Kubernetes documentation, "Network Policies": policies add up, and a pod that none selects is open).

use std::collections::BTreeMap;

use devspace_api::names::{ROUTER_LABEL, ROUTER_SELECTOR_VALUE};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::refusal::{PolicyEffect, Refusal};

type Labels = BTreeMap<String, String>;

/// Why the namespace's policies forbid to intercept a Service with this original selector, or `None`.
///
/// `pods` are the namespace's pods. Where none matches the selector, the selector's own labels stand for them.
#[must_use]
pub fn network_refusal(selector: &Labels, pods: &[Pod], policies: &[NetworkPolicy]) -> Option<Refusal> {
    let mut targets: Vec<Labels> = pods
        .iter()
        .filter_map(|pod| pod.metadata.labels.clone())
        .filter(|labels| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
        .collect();
    if targets.is_empty() {
        targets.push(selector.clone());
    }
    limits_callers(&targets, policies).or_else(|| limits_egress(selector, &targets, policies))
}

/// The pods are isolated for ingress and no rule opens them to everybody.
fn limits_callers(targets: &[Labels], policies: &[NetworkPolicy]) -> Option<Refusal> {
    targets.iter().find_map(|labels| {
        let selecting: Vec<&NetworkPolicy> = policies
            .iter()
            .filter(|policy| has_type(policy, "Ingress") && selects(policy, labels))
            .collect();
        let open = selecting
            .iter()
            .filter_map(|policy| policy.spec.as_ref())
            .any(opens_ingress);
        let first = selecting.first().filter(|_| !open)?;
        Some(refuse(first, PolicyEffect::LimitsCallers))
    })
}

/// A policy lets callers reach the baseline's pods by label and does not let them reach the router's, or holds the
/// router's own pods.
fn limits_egress(selector: &Labels, targets: &[Labels], policies: &[NetworkPolicy]) -> Option<Refusal> {
    let mut router: Labels = selector
        .keys()
        .map(|key| (key.clone(), ROUTER_SELECTOR_VALUE.to_owned()))
        .collect();
    router.insert(ROUTER_LABEL.to_owned(), "true".to_owned());
    let stands_in_the_way = |policy: &&NetworkPolicy| {
        let Some(spec) = policy.spec.as_ref().filter(|_| has_type(policy, "Egress")) else {
            return false;
        };
        let reaches = |labels: &Labels| reaches(spec, labels);
        targets.iter().any(reaches) && !reaches(&router)
            || selects(policy, &router) && !targets.iter().all(reaches)
    };
    policies
        .iter()
        .find(stands_in_the_way)
        .map(|policy| refuse(policy, PolicyEffect::LimitsEgress))
}

fn refuse(policy: &NetworkPolicy, effect: PolicyEffect) -> Refusal {
    Refusal::NetworkPolicy {
        policy: policy.metadata.name.clone().unwrap_or_default(),
        effect,
    }
}

/// Unset types mean Ingress, and Egress where there are egress rules.
fn has_type(policy: &NetworkPolicy, kind: &str) -> bool {
    let Some(spec) = &policy.spec else { return false };
    match spec.policy_types.as_deref() {
        Some(types) if !types.is_empty() => types.iter().any(|type_| type_ == kind),
        _ => kind == "Ingress" || spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()),
    }
}

fn selects(policy: &NetworkPolicy, labels: &Labels) -> bool {
    policy.spec.as_ref().is_some_and(|spec| match &spec.pod_selector {
        Some(selector) => matches(selector, labels),
        None => true,
    })
}

fn opens_ingress(spec: &NetworkPolicySpec) -> bool {
    spec.ingress.iter().flatten().any(|rule| {
        rule.from.as_ref().is_none_or(Vec::is_empty) && rule.ports.as_ref().is_none_or(Vec::is_empty)
    })
}

/// Whether an egress rule reaches a pod of the same namespace with these labels. Ports are not looked at: the listener
/// that replaces a port is in no policy, so a rule with ports reaches no router.
fn reaches(spec: &NetworkPolicySpec, labels: &Labels) -> bool {
    let router = labels.contains_key(ROUTER_LABEL);
    spec.egress.iter().flatten().any(|rule| {
        let ports = rule.ports.as_ref().is_some_and(|ports| !ports.is_empty());
        let peers = rule.to.as_deref().unwrap_or_default();
        (!router || !ports) && (peers.is_empty() || peers.iter().any(|peer| peer_is(peer, labels)))
    })
}

/// A peer with a namespace selector is taken to mean this namespace too; an address block is taken to hold no pod.
fn peer_is(peer: &NetworkPolicyPeer, labels: &Labels) -> bool {
    match (&peer.pod_selector, &peer.namespace_selector) {
        (Some(pods), _) => matches(pods, labels),
        (None, Some(_)) => true,
        (None, None) => false,
    }
}

/// Whether the labels match the selector (Kubernetes API, "LabelSelector": all requirements hold).
#[must_use]
pub fn matches(selector: &LabelSelector, labels: &Labels) -> bool {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector.match_expressions.iter().flatten().all(|requirement| {
            let value = labels.get(&requirement.key);
            let among =
                || value.is_some_and(|v| requirement.values.iter().flatten().any(|wanted| wanted == v));
            match requirement.operator.as_str() {
                "In" => among(),
                "NotIn" => !among(),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}
