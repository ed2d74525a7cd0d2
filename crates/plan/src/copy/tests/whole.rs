//! A whole derivation with its objects.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use crate::copy::fixtures::{World, shown, yaml};
use crate::copy::objects::Provenance;
use crate::copy::template_hash;

const TEMPLATE: &str = "
metadata: {labels: {app: package, team: a}}
spec:
  containers:
  - name: app
    image: package:1
    command: [node, server.js]
    ports: [{name: http, containerPort: 8080}]
    env: [{name: DATABASE_URL, valueFrom: {secretKeyRef: {name: package-db, key: url}}}]
    readinessProbe: {httpGet: {path: /healthz, port: http}}
    securityContext: {runAsNonRoot: true, readOnlyRootFilesystem: true}
";

#[test]
fn a_copy_of_a_small_service() {
    let mut world = World::new();
    world.spec.sync_targets = vec!["/app".into()];
    insta::assert_snapshot!(shown(&world.derive(&yaml(TEMPLATE)).unwrap()));
}

#[test]
fn the_objects_of_a_copy() {
    let world = World::new();
    let derived = world.derive(&yaml(TEMPLATE)).unwrap();
    let context = world.context();
    let owner = World::owner(&context);
    let provenance = Provenance {
        derived_from: "uid/1/".into(),
        template_hash: "t".into(),
    };
    let mut deployment = owner.deployment(&derived, &provenance);
    deployment.spec.as_mut().unwrap().template = PodTemplateSpec::default();
    let text = [
        serde_saphyr::to_string(&deployment).unwrap(),
        serde_saphyr::to_string(&owner.service(&derived)).unwrap(),
        serde_saphyr::to_string(&owner.service_account(&derived)).unwrap(),
        serde_saphyr::to_string(&owner.claim()).unwrap(),
    ];
    insta::assert_snapshot!(text.join("---\n"));
}

#[test]
fn deriving_twice_gives_the_same_template() {
    let world = World::new();
    let template = yaml(TEMPLATE);
    assert_eq!(world.derive(&template), world.derive(&template));
}

#[test]
fn a_new_service_of_the_baseline_changes_no_template() {
    let mut world = World::new();
    let before = world.derive(&yaml(TEMPLATE)).unwrap();
    world.services.push(yaml(
        "{metadata: {name: new}, spec: {clusterIP: 10.96.0.99, ports: [{port: 1}]}}",
    ));
    let after = world.derive(&yaml(TEMPLATE)).unwrap();
    assert_eq!(before.template, after.template);
    assert_ne!(before.service_env, after.service_env);
}

#[test]
fn a_rollout_restart_is_no_change_of_the_template() {
    let plain: PodTemplateSpec = yaml(TEMPLATE);
    let mut restarted = plain.clone();
    let annotations = [("kubectl.kubernetes.io/restartedAt".to_owned(), "now".to_owned())];
    restarted.metadata.as_mut().unwrap().annotations = Some(annotations.into());
    let mut changed = plain.clone();
    changed.spec.as_mut().unwrap().containers[0].image = Some("package:2".into());
    // An empty map and none are the same to the API server, which never returns the first.
    let mut empty = plain.clone();
    empty.metadata.as_mut().unwrap().annotations = Some([].into());
    assert_eq!(template_hash(&empty), template_hash(&restarted));
    assert_ne!(template_hash(&plain), template_hash(&changed));
}
