//! What is refused, and what a Baseline asks for.

use devspace_api::baseline::Intercept;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};

use super::super::*;
use super::{patched, spec, two_ports};

#[test]
fn each_kind_of_service_that_cannot_be_intercepted_is_refused_with_its_reason() {
    let base = spec(&two_ports());
    let with = |change: Value| {
        let changed = patched(&two_ports(), &json!({ "spec": change }));
        refusal(&changed).map(|refusal| refusal.reason())
    };
    assert_eq!(refusal(&two_ports()), None);
    assert_eq!(with(json!({"clusterIP": "None"})), Some("Headless"));
    assert_eq!(with(json!({"type": "ExternalName"})), Some("ExternalName"));
    assert_eq!(with(json!({"selector": null})), Some("NoSelector"));
    assert_eq!(with(json!({"ports": []})), Some("NoPorts"));
    let mut udp = base["ports"].clone();
    udp[1]["protocol"] = json!("UDP");
    assert_eq!(with(json!({ "ports": udp })), Some("Protocol"));
    udp[1]["protocol"] = json!("SCTP");
    assert_eq!(with(json!({ "ports": udp })), Some("Protocol"));
    assert_eq!(
        with(json!({"internalTrafficPolicy": "Local"})),
        Some("InternalTrafficLocal")
    );
    assert_eq!(
        with(json!({"externalTrafficPolicy": "Local"})),
        Some("ExternalTrafficLocal")
    );
    assert_eq!(
        with(json!({"trafficDistribution": "PreferClose"})),
        Some("TrafficDistribution")
    );
    assert_eq!(
        with(json!({"publishNotReadyAddresses": true})),
        Some("NotReadyAddresses")
    );
    assert_eq!(
        with(json!({"selector": {"rollouts-pod-template-hash": "a1"}})),
        Some("Canary")
    );
    assert_eq!(
        with(json!({"selector": {"pod-template-hash": "a1"}})),
        Some("Canary")
    );
    let mut flagger = two_ports();
    flagger.metadata.labels =
        Some([("app.kubernetes.io/managed-by".to_owned(), "flagger".to_owned())].into());
    assert_eq!(refusal(&flagger).map(|r| r.reason()), Some("Canary"));
    let mut argo = two_ports();
    let annotation = "argo-rollouts.argoproj.io/managed-by-rollouts".to_owned();
    argo.metadata.annotations = Some([(annotation, "web".to_owned())].into());
    assert_eq!(refusal(&argo).map(|r| r.reason()), Some("Canary"));
}

fn policy(spec: &Value) -> NetworkPolicy {
    serde_json::from_value(json!({"metadata": {"name": "guard"}, "spec": spec})).unwrap()
}

fn refused_by(spec: &Value) -> Option<PolicyEffect> {
    let pod = json!({"metadata": {"labels": {"app": "package", "tier": "web", "version": "2"}}});
    let pods: Vec<Pod> = vec![serde_json::from_value(pod).unwrap()];
    let selector = [("app".to_owned(), "package".to_owned())].into();
    match network_refusal(&selector, &pods, &[policy(spec)]) {
        Some(Refusal::NetworkPolicy { effect, .. }) => Some(effect),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

#[test]
fn a_policy_that_limits_callers_refuses_the_services_of_the_pods_it_selects() {
    let limits = Some(PolicyEffect::LimitsCallers);
    let from = json!([{"from": [{"podSelector": {"matchLabels": {"app": "gateway"}}}]}]);
    assert_eq!(
        refused_by(&json!({"podSelector": {"matchLabels": {"version": "2"}}, "ingress": from})),
        limits
    );
    assert_eq!(
        refused_by(&json!({"podSelector": {}, "policyTypes": ["Ingress"]})),
        limits,
        "deny all"
    );
    assert_eq!(
        refused_by(&json!({"podSelector": {"matchLabels": {"app": "other"}}, "ingress": from})),
        None
    );
    assert_eq!(
        refused_by(&json!({"podSelector": {}, "ingress": [{}]})),
        None,
        "open to everybody"
    );
}

#[test]
fn a_policy_that_holds_callers_or_routers_back_refuses_too() {
    let limits = Some(PolicyEffect::LimitsEgress);
    let to_package = json!([{"to": [{"podSelector": {"matchLabels": {"app": "package"}}}]}]);
    let gateway = json!({"matchLabels": {"app": "gateway"}});
    let held = json!({"podSelector": gateway, "policyTypes": ["Egress"], "egress": to_package});
    assert_eq!(refused_by(&held), limits);
    let both = json!([{"to": [
        {"podSelector": {"matchLabels": {"app": "package"}}},
        {"podSelector": {"matchLabels": {"devspace.dev/router": "true"}}},
    ]}]);
    assert_eq!(
        refused_by(&json!({"podSelector": gateway, "policyTypes": ["Egress"], "egress": both})),
        None
    );
    let ports = json!([{"to": [{"podSelector": {}}], "ports": [{"port": 8080}]}]);
    let by_port = json!({"podSelector": gateway, "policyTypes": ["Egress"], "egress": ports});
    assert_eq!(refused_by(&by_port), limits, "a listener is none of its ports");
    let to_elsewhere = json!([{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]);
    let elsewhere = json!({"podSelector": gateway, "policyTypes": ["Egress"], "egress": to_elsewhere});
    assert_eq!(
        refused_by(&elsewhere),
        None,
        "such a caller reaches no pod by label"
    );
    assert_eq!(
        refused_by(&json!({"podSelector": {}, "policyTypes": ["Egress"]})),
        limits,
        "routers reach nothing"
    );
}

#[test]
fn the_policy_of_the_baseline_chooses_by_name_by_label_or_all() {
    let mut service = two_ports();
    service.metadata.labels = Some([("team".to_owned(), "a".to_owned())].into());
    let wanted = |intercept: Value| {
        let intercept: Intercept = serde_json::from_value(intercept).unwrap();
        is_wanted(&intercept, &service)
    };
    assert!(!wanted(json!({})));
    assert!(wanted(json!({"all": true})));
    assert!(wanted(json!({"services": ["package"]})));
    assert!(!wanted(json!({"services": ["other"]})));
    assert!(wanted(json!({"selector": {"matchLabels": {"team": "a"}}})));
    assert!(!wanted(json!({"selector": {"matchLabels": {"team": "b"}}})));
    assert!(!wanted(
        json!({"all": true, "services": ["package"], "except": ["package"]})
    ));
}
