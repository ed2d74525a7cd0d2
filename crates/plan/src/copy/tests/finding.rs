//! Which workload, container and ports are meant.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};

use crate::copy::fixtures::{World, yaml};
use crate::copy::workload::{Candidates, WorkloadKind, find};
use crate::copy::{CopyRefusal, selected_keys};

fn deployment(name: &str, labels: &str) -> Deployment {
    yaml(&format!(
        "{{metadata: {{name: {name}}}, spec: {{selector: {{matchLabels: {{run: x}}}}, template: {{metadata: \
         {{labels: {labels}}}, spec: {{containers: [{{name: app}}]}}}}}}}}"
    ))
}

/// A Service as it stands while its traffic passes the router.
fn flipped() -> Service {
    let record = r#"{"version":1,"selector":{"app":"package"},"ports":[{"name":"http","port":80,"targetPort":"http","listener":20000}],"baseline":"u","since":"2026-01-01T00:00:00Z"}"#;
    yaml(&format!(
        "metadata:\n  name: package\n  annotations:\n    devspace.dev/interception: '{record}'\nspec:\n  selector: \
         {{app: devspace-proxy}}\n  ports: [{{name: http, port: 80, targetPort: 20000}}]\n"
    ))
}

#[test]
fn an_intercepted_service_still_leads_to_its_workload() {
    let all = [
        deployment("package", "{app: package, v: '1'}"),
        deployment("devspace-proxy", "{app: devspace-proxy}"),
    ];
    let found = find(
        &flipped(),
        &Candidates {
            deployments: &all,
            ..Candidates::default()
        },
    )
    .unwrap();
    assert_eq!(
        (found.kind, found.name.as_str()),
        (WorkloadKind::Deployment, "package")
    );

    let mut world = World::new();
    world.service = flipped();
    let template: PodTemplateSpec =
        yaml("{spec: {containers: [{name: app, ports: [{name: http, containerPort: 8080}]}]}}");
    assert_eq!(
        world.derive(&template).unwrap().container_ports,
        [8080],
        "the original target port counts"
    );
}

#[test]
fn none_and_several_are_refused_by_name() {
    let service = World::new().service;
    let none = find(&service, &Candidates::default()).unwrap_err();
    assert_eq!(
        none,
        CopyRefusal::NoWorkload {
            service: "package".into()
        }
    );
    let two = [
        deployment("a", "{app: package}"),
        deployment("b", "{app: package}"),
    ];
    let many = find(
        &service,
        &Candidates {
            deployments: &two,
            ..Candidates::default()
        },
    )
    .unwrap_err();
    assert_eq!(
        many.to_string(),
        "Service package selects pods of several workloads: Deployment a, Deployment b"
    );
}

#[test]
fn a_daemon_set_is_refused_by_its_kind() {
    let set: DaemonSet = yaml(
        "{metadata: {name: logs}, spec: {selector: {}, template: {metadata: {labels: {app: package}}, spec: \
         {containers: [{name: app}]}}}}",
    );
    let daemon_sets = [set];
    let candidates = Candidates {
        daemon_sets: &daemon_sets,
        ..Candidates::default()
    };
    let refusal = find(&World::new().service, &candidates).unwrap_err();
    assert_eq!(refusal.reason(), "KindNotCopied");
}

#[test]
fn claims_of_a_stateful_set_become_empty_volumes() {
    let set: StatefulSet = yaml(
        "{metadata: {name: pg}, spec: {serviceName: pg, selector: {}, volumeClaimTemplates: [{metadata: {name: \
         data}}], template: {metadata: {labels: {app: package}}, spec: {containers: [{name: app, ports: [{name: http, \
         containerPort: 1}], volumeMounts: [{name: data, mountPath: /data}]}]}}}}",
    );
    let stateful_sets = [set];
    let candidates = Candidates {
        stateful_sets: &stateful_sets,
        ..Candidates::default()
    };
    let workload = find(&World::new().service, &candidates).unwrap();
    assert_eq!(workload.kind, WorkloadKind::StatefulSet);
    let derived = World::new().derive(&workload.template).unwrap();
    let volumes = derived.template.spec.unwrap().volumes.unwrap();
    assert!(
        volumes
            .iter()
            .any(|volume| volume.name == "data" && volume.empty_dir.is_some())
    );
    assert!(
        derived
            .changes
            .iter()
            .any(|change| change.to_string() == "volumes: volume data (claim data) is empty")
    );
}

#[test]
fn the_container_is_the_one_that_the_first_port_reaches() {
    let pick = |containers: &str| {
        let template: PodTemplateSpec = yaml(&format!("{{spec: {{containers: {containers}}}}}"));
        let derived = World::new().derive(&template)?;
        let run = |c: &&k8s_openapi::api::core::v1::Container| {
            c.command
                .as_ref()
                .is_some_and(|command| command.last().is_some_and(|word| word == "run"))
        };
        Ok::<_, CopyRefusal>(
            derived
                .template
                .spec
                .unwrap()
                .containers
                .iter()
                .find(run)
                .unwrap()
                .name
                .clone(),
        )
    };
    let ported = "[{name: log}, {name: app, ports: [{name: http, containerPort: 80}]}]";
    assert_eq!(pick(ported).unwrap(), "app");
    let unnamed = "[{name: log}, {name: app}]";
    assert!(matches!(pick(unnamed), Err(CopyRefusal::ContainerUnclear { .. })));
    // The port's name has to be somewhere, or the Service reaches nothing.
    assert!(matches!(
        pick("[{name: app}]"),
        Err(CopyRefusal::PortNotFound { .. })
    ));
}

#[test]
fn a_container_that_is_named_must_exist() {
    let mut world = World::new();
    world.spec.container = Some("web".into());
    let template: PodTemplateSpec = yaml("{spec: {containers: [{name: app}, {name: istio-proxy}]}}");
    let refusal = world.derive(&template).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the template has no container `web`; it has app"
    );
}

#[test]
fn ports_of_other_containers_are_not_waited_for() {
    let template: PodTemplateSpec = yaml(
        "{spec: {containers: [{name: app, ports: [{name: http, containerPort: 8080}]}, {name: stats, ports: \
         [{containerPort: 9000}]}]}}",
    );
    let derived = World::new().derive(&template).unwrap();
    assert_eq!(derived.container_ports, [8080]);
    assert_eq!(
        derived.ports.iter().map(|port| port.target).collect::<Vec<_>>(),
        [8080, 9000]
    );
}

#[test]
fn keys_are_selected_by_services_records_and_workloads() {
    let deployments = [deployment("package", "{}")];
    let services = [flipped(), World::new().services.remove(1)];
    let keys = selected_keys(
        &services,
        &Candidates {
            deployments: &deployments,
            ..Candidates::default()
        },
    );
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["app", "run", "tier"]);
}
