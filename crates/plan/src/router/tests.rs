use super::*;
use devspace_api::baseline::RouterSettings;
use devspace_api::names::ROUTER_SELECTOR_VALUE;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::json;

fn spec<'a>(settings: &'a RouterSettings, image: &'a str) -> RouterSpec<'a> {
    RouterSpec {
        namespace: "shop",
        image,
        pull_policy: "IfNotPresent",
        priority_class: None,
        settings,
    }
}

fn keys(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn labels_of(deployment: &Deployment) -> BTreeMap<String, String> {
    deployment
        .spec
        .clone()
        .unwrap()
        .template
        .metadata
        .unwrap()
        .labels
        .unwrap()
}

#[test]
fn the_template_carries_every_key_and_the_selector_none() {
    let settings = RouterSettings::default();
    let made = deployment(&spec(&settings, "proxy:1"), &keys(&["app", "tier"]), None);
    let labels = labels_of(&made);
    assert_eq!(labels["app"], ROUTER_SELECTOR_VALUE);
    assert_eq!(labels["tier"], ROUTER_SELECTOR_VALUE);
    assert_eq!(labels[ROUTER_LABEL], "true");
    assert_eq!(made.spec.unwrap().selector.match_labels.unwrap(), selector());
}

#[test]
fn a_new_key_alone_rolls_nothing_and_comes_with_the_next_rollout() {
    let settings = RouterSettings::default();
    let first = deployment(&spec(&settings, "proxy:1"), &keys(&["app"]), None);
    let same = deployment(&spec(&settings, "proxy:1"), &keys(&["app", "tier"]), Some(&first));
    assert_eq!(same, first);
    let next = deployment(&spec(&settings, "proxy:2"), &keys(&["app", "tier"]), Some(&first));
    assert!(labels_of(&next).contains_key("tier"));
    let fewer = deployment(&spec(&settings, "proxy:1"), &keys(&[]), Some(&first));
    assert_eq!(
        fewer, first,
        "a key that is not needed any more rolls nothing either"
    );
}

#[test]
fn a_live_pod_gets_what_it_lacks() {
    let pod = BTreeMap::from([
        ("app".to_owned(), ROUTER_SELECTOR_VALUE.to_owned()),
        ("tier".to_owned(), "web".to_owned()),
    ]);
    let missing = missing_labels(&keys(&["app", "tier", "zone"]), &pod);
    assert_eq!(
        missing.keys().map(String::as_str).collect::<Vec<_>>(),
        ["tier", "zone"]
    );
}

#[test]
fn drain_settings_reach_the_pod() {
    let settings = RouterSettings {
        drain_seconds: Some(7),
        replicas: Some(3),
        ..RouterSettings::default()
    };
    let spec = deployment(&spec(&settings, "proxy:1"), &keys(&[]), None)
        .spec
        .unwrap();
    assert_eq!(spec.replicas, Some(3));
    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.termination_grace_period_seconds, Some(5 + 7 + 5));
    let args = pod.containers[0].args.clone().unwrap();
    assert!(
        args.windows(2).any(|pair| pair == ["--drain-seconds", "7"]),
        "{args:?}"
    );
}

#[test]
fn the_pod_passes_the_restricted_level() {
    let settings = RouterSettings::default();
    let made = deployment(&spec(&settings, "proxy:1"), &keys(&[]), None);
    let pod = serde_json::to_value(made.spec.unwrap().template.spec).unwrap();
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["capabilities"]["drop"], json!(["ALL"]));
}

#[test]
fn our_budget_goes_where_a_teams_budget_selects_the_router_too() {
    let budget = |name: &str, selector: serde_json::Value| -> PodDisruptionBudget {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"selector": selector}})).unwrap()
    };
    let all = keys(&["app"]);
    assert!(selects_router(&budget("team", json!({})), &all));
    assert!(selects_router(
        &budget(
            "team",
            json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]})
        ),
        &all
    ));
    assert!(!selects_router(
        &budget("team", json!({"matchLabels": {"app": "package"}})),
        &all
    ));
    assert!(!selects_router(&disruption_budget("shop"), &all));
}
