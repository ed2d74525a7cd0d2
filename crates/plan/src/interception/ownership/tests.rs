//! Samples are what Kubernetes 1.34 wrote for the tools named.

use super::*;

const PORT: &str = "k:{\"port\":80,\"protocol\":\"TCP\"}";

fn entry(manager: &str, operation: &str, fields: Value) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: Some(manager.to_owned()),
        operation: Some(operation.to_owned()),
        api_version: Some("v1".to_owned()),
        fields_type: Some("FieldsV1".to_owned()),
        fields_v1: Some(FieldsV1(fields)),
        ..ManagedFieldsEntry::default()
    }
}

fn service(version: &str, entries: Vec<ManagedFieldsEntry>) -> Service {
    let mut service = Service::default();
    service.metadata.resource_version = Some(version.to_owned());
    service.metadata.managed_fields = Some(entries);
    service
}

fn record_only() -> ManagedFieldsEntry {
    entry(
        MANAGER,
        "Update",
        json!({"f:metadata": {"f:annotations": {"f:devspace.dev/interception": {}}}}),
    )
}

/// Our entry right after the flip.
fn flipped() -> ManagedFieldsEntry {
    entry(
        MANAGER,
        "Update",
        json!({
            "f:metadata": {"f:annotations": {"f:devspace.dev/interception": {}}},
            "f:spec": {"f:ports": {PORT: {"f:targetPort": {}}}, "f:selector": {}},
        }),
    )
}

fn owner(manager: &str, operation: &str, whole: bool) -> ManagedFieldsEntry {
    let mut port = json!({".": {}, "f:name": {}, "f:port": {}});
    let mut spec = json!({"f:ports": {".": {}}});
    if whole {
        port["f:targetPort"] = json!({});
        spec["f:selector"] = json!({});
    }
    spec["f:ports"][PORT] = port;
    entry(
        manager,
        operation,
        json!({"f:metadata": {"f:labels": {"f:note": {}}}, "f:spec": spec}),
    )
}

fn entries_of(patch: &Value) -> Vec<ManagedFieldsEntry> {
    serde_json::from_value(patch["metadata"]["managedFields"].clone()).unwrap()
}

#[test]
fn owners_of_every_kind_get_back_what_the_flip_took() {
    let owners = [
        ("kubectl", "Apply"),
        ("kubectl-client-side-apply", "Update"),
        ("helm", "Update"),
        ("helm", "Apply"),
        ("argocd-controller", "Apply"),
    ];
    for (manager, operation) in owners {
        let before = service("1", vec![owner(manager, operation, true), record_only()]);
        let after = service("2", vec![owner(manager, operation, false), flipped()]);
        let patch = hand_back(Some(&before), &after).unwrap();
        assert_eq!(patch["metadata"]["resourceVersion"], "2");
        assert_eq!(
            entries_of(&patch),
            before.metadata.managed_fields.clone().unwrap(),
            "{manager} {operation}"
        );
    }
}

#[test]
fn two_owners_of_one_field_both_get_it_back() {
    let before = service(
        "1",
        vec![
            owner("kubectl", "Apply", true),
            owner("team", "Apply", true),
            record_only(),
        ],
    );
    let after = service(
        "2",
        vec![
            owner("kubectl", "Apply", false),
            owner("team", "Apply", false),
            flipped(),
        ],
    );
    let patch = hand_back(Some(&before), &after).unwrap();
    assert_eq!(entries_of(&patch), before.metadata.managed_fields.unwrap());
}

#[test]
fn an_owner_that_lost_its_last_field_comes_back() {
    let patcher = entry("kubectl-patch", "Update", json!({"f:spec": {"f:selector": {}}}));
    let before = service(
        "1",
        vec![owner("helm", "Update", true), patcher.clone(), record_only()],
    );
    let after = service("2", vec![owner("helm", "Update", false), flipped()]);
    let patch = hand_back(Some(&before), &after).unwrap();
    assert!(entries_of(&patch).contains(&patcher));
}

#[test]
fn a_field_that_another_writer_took_meanwhile_stays_with_it() {
    let before = service("1", vec![owner("helm", "Update", true), record_only()]);
    let meanwhile = entry("kubectl-patch", "Update", json!({"f:spec": {"f:selector": {}}}));
    let ours = entry(
        MANAGER,
        "Update",
        json!({"f:spec": {"f:ports": {PORT: {"f:targetPort": {}}}}}),
    );
    let after = service("3", vec![owner("helm", "Update", false), meanwhile, ours]);
    let entries = entries_of(&hand_back(Some(&before), &after).unwrap());
    let helm = entries[0].fields_v1.as_ref().unwrap().0.clone();
    assert_eq!(helm["f:spec"].get("f:selector"), None);
    assert_eq!(helm["f:spec"]["f:ports"][PORT]["f:targetPort"], json!({}));
    assert_eq!(entries.len(), 2, "our empty entry is gone");
}

#[test]
fn a_target_port_that_nobody_owned_goes_to_the_server_side_applier_alone() {
    for (operation, given) in [("Apply", true), ("Update", false)] {
        let mut applied = owner("kubectl", operation, true);
        let fields = applied.fields_v1.as_mut().unwrap();
        fields.0["f:spec"]["f:ports"][PORT]
            .as_object_mut()
            .unwrap()
            .remove("f:targetPort");
        let before = service("1", vec![applied.clone(), record_only()]);
        let after = service("2", vec![owner("kubectl", operation, false), flipped()]);
        let entries = entries_of(&hand_back(Some(&before), &after).unwrap());
        let spec = &entries[0].fields_v1.as_ref().unwrap().0["f:spec"];
        assert_eq!(spec["f:selector"], json!({}));
        assert_eq!(
            spec["f:ports"][PORT].get("f:targetPort").is_some(),
            given,
            "{operation}"
        );
    }
}

#[test]
fn without_the_state_before_the_owner_of_the_ports_inherits() {
    let after = service("2", vec![owner("helm", "Apply", false), flipped()]);
    let entries = entries_of(&hand_back(None, &after).unwrap());
    assert_eq!(entries, vec![owner("helm", "Apply", true), record_only()]);
}

#[test]
fn nothing_is_done_where_nothing_is_ours() {
    let plain = service("2", vec![owner("helm", "Apply", true), record_only()]);
    assert!(!needs_hand_back(&plain));
    assert_eq!(hand_back(None, &plain), None);
}

#[test]
fn what_the_cli_took_is_given_back_too() {
    let mut ours = flipped();
    ours.manager = Some(CLI_MANAGER.to_owned());
    let before = service("1", vec![owner("helm", "Apply", true)]);
    let after = service("2", vec![owner("helm", "Apply", false), ours]);
    let entries = entries_of(&hand_back(Some(&before), &after).unwrap());
    assert_eq!(entries[0], owner("helm", "Apply", true));
}
