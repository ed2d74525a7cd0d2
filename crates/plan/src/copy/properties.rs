//! What holds for every template.

use std::collections::BTreeMap;

use devspace_api::copy::CopyMode;
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, PodTemplateSpec, Secret};
use proptest::prelude::*;

use super::DerivedCopy;
use super::fixtures::{World, yaml};
use crate::mirror::{MirrorRefusal, ReferenceKind, Sources, plan};

/// Fields of a pod that reach for the node or for objects of the baseline.
const POD: [&str; 12] = [
    "hostNetwork: true",
    "hostPID: true",
    "hostIPC: true",
    "nodeName: n1",
    "securityContext: {sysctls: [{name: a, value: b}], seccompProfile: {type: Unconfined}}",
    "imagePullSecrets: [{name: registry}]",
    "serviceAccountName: payer",
    "automountServiceAccountToken: true",
    "priorityClassName: high",
    "resourceClaims: [{name: gpu, resourceClaimName: gpu}]",
    "shareProcessNamespace: true",
    "enableServiceLinks: false",
];

/// Fields of a container that do.
const CONTAINER: [&str; 9] = [
    "securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN]}, procMount: Unmasked}",
    "ports: [{name: http, containerPort: 8080, hostPort: 80}]",
    "env: [{name: A, valueFrom: {secretKeyRef: {name: tokens, key: a}}}]",
    "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: a, optional: true}}}]",
    "envFrom: [{secretRef: {name: tokens}}, {configMapRef: {name: settings}}]",
    "livenessProbe: {tcpSocket: {port: 1}}",
    "lifecycle: {preStop: {sleep: {seconds: 1}}}",
    "volumeDevices: [{name: raw, devicePath: /dev/x}]",
    "resources: {claims: [{name: gpu}]}",
];

const VOLUMES: [&str; 9] = [
    "hostPath: {path: /var/run}",
    "persistentVolumeClaim: {claimName: data}",
    "nfs: {server: a, path: /}",
    "csi: {driver: secrets.test}",
    "secret: {secretName: tls}",
    "configMap: {name: settings, optional: true}",
    "projected: {sources: [{secret: {name: tls}}, {serviceAccountToken: {path: t}}]}",
    "ephemeral: {volumeClaimTemplate: {spec: {}}}",
    "emptyDir: {}",
];

const LABELS: [&str; 6] = [
    "app",
    "tier",
    "team",
    "pod-template-hash",
    "devspace.dev/space",
    "istio.io/rev",
];

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(of.to_vec(), 0..=of.len())
}

/// One key once: YAML takes no second.
fn fields(indent: &str, all: &[&str]) -> String {
    let once: BTreeMap<&str, &str> = all
        .iter()
        .filter_map(|field| Some((field.split_once(':')?.0, *field)))
        .collect();
    once.values().map(|field| format!("{indent}{field}\n")).collect()
}

prop_compose! {
    fn templates()(
        pod in some(&POD),
        main in some(&CONTAINER),
        side in some(&CONTAINER),
        init in some(&CONTAINER),
        restarts in any::<bool>(),
        volumes in some(&VOLUMES),
        labels in some(&LABELS),
    ) -> PodTemplateSpec {
        let mounts: String =
            (0..volumes.len()).map(|at| format!("    - {{name: v{at}, mountPath: /v{at}}}\n")).collect();
        let sources: String =
            volumes.iter().enumerate().map(|(at, source)| format!("  - {{name: v{at}, {source}}}\n")).collect();
        let labels: String = labels.iter().map(|key| format!("{key}: package, ")).collect();
        let policy = if restarts { "    restartPolicy: Always\n" } else { "" };
        let text = format!(
            "metadata: {{labels: {{{labels}}}}}\nspec:\n{}  containers:\n  - name: app\n    volumeMounts:\n    \
             - {{name: w, mountPath: /w}}\n{mounts}{}  - name: side\n{}  initContainers:\n  - name: first\n{policy}{}  \
             volumes:\n  - {{name: w, emptyDir: {{}}}}\n{sources}",
            fields("  ", &pod), fields("    ", &main), fields("    ", &side), fields("    ", &init),
        );
        yaml(&text)
    }
}

fn world(image: bool) -> World {
    let mut world = World::new();
    world.spec.container = Some("app".into());
    world.spec.mode = if image { CopyMode::Image } else { CopyMode::Agent };
    // A port by number, which needs no container that says so.
    world.service = yaml(
        "{metadata: {name: package}, spec: {selector: {app: package}, ports: [{name: http, port: 80, targetPort: 8080}]}}",
    );
    world
}

fn pod(derived: &DerivedCopy) -> PodSpec {
    derived.template.spec.clone().unwrap()
}

fn touches_host(container: &Container) -> bool {
    let context = container.security_context.clone().unwrap_or_default();
    let adds = context.capabilities.and_then(|all| all.add).unwrap_or_default();
    context.privileged == Some(true)
        || context.proc_mount.is_some()
        || !adds.is_empty()
        || container.volume_devices.is_some()
        || container
            .ports
            .iter()
            .flatten()
            .any(|port| port.host_port.is_some())
        || container
            .resources
            .as_ref()
            .is_some_and(|resources| resources.claims.is_some())
}

/// Every ConfigMap and Secret that the template names, as the API server will look for it.
fn named(template: &PodTemplateSpec) -> Vec<String> {
    let mut found = Vec::new();
    collect(&serde_json::to_value(template).unwrap(), "", &mut found);
    found
}

fn collect(value: &serde_json::Value, under: &str, found: &mut Vec<String>) {
    let naming = [
        "secretKeyRef",
        "configMapKeyRef",
        "secretRef",
        "configMapRef",
        "secret",
        "configMap",
    ];
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let is_name = naming.contains(&under) && (key == "name" || key == "secretName");
                let is_pull = under == "imagePullSecrets" && key == "name";
                match value {
                    serde_json::Value::String(name) if is_name || is_pull => found.push(name.clone()),
                    other => collect(other, key, found),
                }
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| collect(value, under, found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_label_that_the_baseline_selects_survives(template in templates(), image in any::<bool>()) {
        let world = world(image);
        let derived = world.derive(&template).unwrap();
        let labels = derived.template.metadata.unwrap().labels.unwrap();
        prop_assert!(labels.keys().all(|key| !world.selected.contains(key)));
        prop_assert_eq!(labels.get("devspace.dev/space").map(String::as_str), Some("red"));
        prop_assert!(!labels.contains_key("pod-template-hash"));
    }

    #[test]
    fn no_access_to_the_node_survives(template in templates(), image in any::<bool>()) {
        let pod = pod(&world(image).derive(&template).unwrap());
        prop_assert!(pod.host_network.is_none() && pod.host_pid.is_none() && pod.host_ipc.is_none());
        prop_assert!(pod.node_name.is_none() && pod.init_containers.is_none() && pod.resource_claims.is_none());
        prop_assert!(pod.containers.iter().all(|container| !touches_host(container)));
        let harmless = |v: &k8s_openapi::api::core::v1::Volume| {
            let ours = v.persistent_volume_claim.as_ref().is_some_and(|c| c.claim_name == "devspace-cache-package");
            ours || v.empty_dir.is_some() || v.config_map.is_some() || v.secret.is_some() || v.projected.is_some()
        };
        prop_assert!(pod.volumes.iter().flatten().all(harmless));
        prop_assert_eq!(pod.automount_service_account_token, Some(false));
        prop_assert_eq!(pod.service_account_name.as_deref(), Some("package"));
    }

    #[test]
    fn every_reference_is_mirrored_or_refused(
        template in templates(),
        has_tokens in any::<bool>(),
        has_settings in any::<bool>(),
        has_tls in any::<bool>(),
    ) {
        let world = world(false);
        let derived = world.derive(&template).unwrap();
        let mut sources = Sources::default();
        for (name, there) in [("tokens", has_tokens), ("tls", has_tls)] {
            if there {
                sources.secrets.insert(name.to_owned(), Secret::default());
            }
        }
        if has_settings {
            sources.config_maps.insert("settings".to_owned(), ConfigMap::default());
        }
        let context = world.context();
        let owner = World::owner(&context);
        match plan(&derived.references, &sources, &world.baseline.secrets, &owner) {
            Ok(mirrors) => {
                let maps = mirrors.config_maps.iter().filter_map(|map| map.metadata.name.clone());
                let secrets = mirrors.secrets.iter().filter_map(|secret| secret.metadata.name.clone());
                let made: Vec<String> = maps.chain(secrets).collect();
                let ours = "devspace-service-env-package";
                for name in named(&derived.template).iter().filter(|name| *name != ours) {
                    let left_out = derived.references.iter().any(|r| format!("package.{}", r.name) == *name && r.optional);
                    prop_assert!(made.contains(name) || left_out, "{} of {:?}", name, made);
                }
            }
            Err(MirrorRefusal::Missing { kind, name, .. }) => {
                let there = match kind {
                    ReferenceKind::ConfigMap => sources.config_maps.contains_key(&name),
                    ReferenceKind::Secret => sources.secrets.contains_key(&name),
                };
                prop_assert!(!there);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
