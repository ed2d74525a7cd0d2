//! One golden test for each transform, and the finding of workloads, containers and ports.

mod finding;
mod whole;

use devspace_api::copy::{CopyMode, CopyResources};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::CopyRefusal;
use super::fixtures::{World, shown, yaml};

/// The text of `transform` alone on a pod with `pod` beside the container `app`, which has `fields`.
fn alone(world: &World, transform: &str, fields: &str, pod: &str) -> String {
    let text = format!(
        "metadata:\n  labels: {{app: package, tier: backend, team: a, devspace.dev/space: blue, pod-template-hash: x, \
         sidecar.istio.io/inject: 'true'}}\n  annotations: {{linkerd.io/inject: enabled, note: kept, \
         kubectl.kubernetes.io/restartedAt: now}}\nspec:\n  containers:\n  - name: app\n    image: package:1\n    \
         ports: [{{name: http, containerPort: 8080, hostPort: 8080}}]\n{fields}{pod}"
    );
    let template: PodTemplateSpec = yaml(&text);
    shown(&world.alone(transform, &template).unwrap())
}

#[test]
fn sidecars() {
    let pod = "  - {name: istio-proxy, image: istio}\n  - {name: exporter, image: exporter}\n  \
               initContainers: [{name: istio-init, image: istio}, {name: migrate, image: package:1}]\n";
    insta::assert_snapshot!(alone(&World::new(), "sidecars", "", pod));
}

#[test]
fn init() {
    let pod = "  initContainers:\n  - {name: migrate, image: package:1}\n  - {name: sql-proxy, image: proxy, \
               restartPolicy: Always}\n";
    insta::assert_snapshot!(alone(&World::new(), "init", "", pod));
}

#[test]
fn labels() {
    insta::assert_snapshot!(alone(&World::new(), "labels", "", ""));
}

#[test]
fn host() {
    let fields = "    securityContext: {privileged: true, procMount: Unmasked, capabilities: {add: [SYS_ADMIN, \
                  NET_BIND_SERVICE]}, seccompProfile: {type: Unconfined}}\n    volumeDevices: [{name: raw, \
                  devicePath: /dev/x}]\n";
    let pod = "  hostNetwork: true\n  hostPID: true\n  hostIPC: true\n  securityContext: {sysctls: [{name: a, \
               value: b}], runAsUser: 7}\n";
    insta::assert_snapshot!(alone(&World::new(), "host", fields, pod));
}

#[test]
fn scheduling() {
    let pod = "  nodeName: n1\n  nodeSelector: {kubernetes.io/arch: amd64, kubernetes.io/hostname: n1}\n  \
               priorityClassName: high\n  tolerations: [{key: dev, operator: Exists}]\n  \
               topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]\n  \
               affinity:\n    podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \
               kubernetes.io/hostname}]}\n    nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: \
               {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: \
               [n1]}]}, {matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}\n";
    insta::assert_snapshot!(alone(&World::new(), "scheduling", "", pod));
}

#[test]
fn image() {
    let mut world = World::new();
    world.spec.image = Some("node:20".into());
    insta::assert_snapshot!(alone(&world, "image", "    imagePullPolicy: Always\n", ""));
}

const LIMITED: &str = "    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 200m, memory: 128Mi, \
                       example.test/gpu: '1'}, claims: [{name: gpu}]}\n";

#[test]
fn resources_without_defaults() {
    insta::assert_snapshot!(alone(&World::new(), "resources", LIMITED, ""));
}

#[test]
fn resources_by_the_baseline() {
    let mut world = World::new();
    world.baseline.copies.cpu = Some("2".into());
    world.baseline.copies.memory = Some("32Mi".into());
    insta::assert_snapshot!(alone(&world, "resources", LIMITED, ""));
}

#[test]
fn resources_by_the_developer() {
    let mut world = World::new();
    world.baseline.copies.cpu = Some("2".into());
    world.spec.resources = Some(CopyResources {
        cpu: Some("4".into()),
        memory: Some("6Gi".into()),
    });
    insta::assert_snapshot!(alone(&world, "resources", LIMITED, ""));
}

#[test]
fn a_limit_that_the_quota_demands_stays() {
    let mut world = World::new();
    world.baseline.limits.quota = [("limits.cpu".to_owned(), "8".to_owned())].into();
    let text = alone(&world, "resources", LIMITED, "");
    assert!(
        text.contains("cpu: 200m") && !text.contains("memory: 128Mi\n"),
        "{text}"
    );
}

const PROBED: &str = "    readinessProbe: {httpGet: {path: /healthz, port: http}}\n    livenessProbe: {tcpSocket: \
                      {port: http}}\n    startupProbe: {tcpSocket: {port: http}}\n    lifecycle: {preStop: {sleep: \
                      {seconds: 5}}}\n";

#[test]
fn probes() {
    insta::assert_snapshot!(alone(&World::new(), "probes", PROBED, ""));
}

#[test]
fn probes_of_an_image() {
    let mut world = World::new();
    world.spec.mode = CopyMode::Image;
    insta::assert_snapshot!(alone(&world, "probes", PROBED, ""));
}

#[test]
fn env() {
    let mut world = World::new();
    world.spec.env = [
        ("QUEUE", "orders-${space}"),
        ("TOKEN", "dev"),
        ("OTHER", "${PATH} $(HOME)"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let fields = "    env:\n    - {name: TOKEN, valueFrom: {secretKeyRef: {name: tokens, key: a}}}\n    \
                  - {name: URL, value: 'x?$(TOKEN)'}\n";
    insta::assert_snapshot!(alone(&world, "env", fields, ""));
}

#[test]
fn volumes() {
    let names = ["data", "host", "inline", "maps", "mix", "tmp"];
    let mounts: String = names
        .iter()
        .map(|name| format!("    - {{name: {name}, mountPath: /{name}}}\n"))
        .collect();
    let pod = "  volumes:\n  - {name: data, persistentVolumeClaim: {claimName: pg}}\n  - {name: host, hostPath: \
               {path: /var}}\n  - {name: inline, csi: {driver: secrets.test}}\n  - {name: maps, configMap: {name: \
               m}}\n  - {name: mix, projected: {sources: [{serviceAccountToken: {path: token}}, {configMap: {name: \
               m}}]}}\n  - {name: tmp, emptyDir: {}}\n  - {name: unused, secret: {secretName: s}}\n";
    insta::assert_snapshot!(alone(
        &World::new(),
        "volumes",
        &format!("    volumeMounts:\n{mounts}"),
        pod
    ));
}

#[test]
fn identity() {
    let mut world = World::new();
    world.account = Some(yaml(
        "{metadata: {name: payer, annotations: {eks.amazonaws.com/role-arn: x}}, imagePullSecrets: [{name: registry}]}",
    ));
    let pod = "  serviceAccountName: payer\n  serviceAccount: payer\n";
    insta::assert_snapshot!(alone(&world, "identity", "", pod));
}

#[test]
fn references() {
    let fields = "    env:\n    - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}\n    - {name: B, \
                  valueFrom: {secretKeyRef: {name: tokens, key: b, optional: true}}}\n    envFrom: [{secretRef: \
                  {name: tokens}}, {configMapRef: {name: settings}}]\n";
    let pod = "  imagePullSecrets: [{name: registry}]\n  volumes:\n  - {name: ca, configMap: {name: \
               kube-root-ca.crt}}\n  - {name: s, secret: {secretName: tls}}\n  - {name: p, projected: {sources: \
               [{secret: {name: tls}}, {configMap: {name: settings}}]}}\n";
    insta::assert_snapshot!(alone(&World::new(), "references", fields, pod));
}

#[test]
fn service_env() {
    let fields = "    envFrom: [{configMapRef: {name: settings}}]\n";
    insta::assert_snapshot!(alone(&World::new(), "service-env", fields, ""));
}

#[test]
fn a_pod_that_wants_no_service_variables_gets_none() {
    let text = alone(&World::new(), "service-env", "", "  enableServiceLinks: false\n");
    assert!(
        !text.contains("envFrom") && !text.contains("SERVICE_HOST"),
        "{text}"
    );
}

#[test]
fn dns() {
    let pod = "  dnsConfig: {searches: [corp.test], options: [{name: ndots, value: '2'}]}\n";
    insta::assert_snapshot!(alone(&World::new(), "dns", "", pod));
}

#[test]
fn a_pod_with_settings_of_its_own_keeps_them() {
    let text = alone(
        &World::new(),
        "dns",
        "",
        "  dnsPolicy: None\n  dnsConfig: {nameservers: [1.1.1.1]}\n",
    );
    assert!(text.contains("1.1.1.1") && !text.contains("10.96.0.10"), "{text}");
}

#[test]
fn security() {
    let fields = "    securityContext: {runAsUser: 1000}\n  - {name: rooted, image: x}\n";
    insta::assert_snapshot!(alone(&World::new(), "security", fields, ""));
}

#[test]
fn agent() {
    let mut world = World::new();
    world.spec.sync_targets = vec!["/app/src/".into()];
    world.spec.cache = vec!["/app/target".into()];
    let fields = "    command: [node, server.js]\n    args: [--port, '8080']\n    securityContext: {runAsUser: \
                  1000, runAsGroup: 1000}\n    volumeMounts: [{name: tmp, mountPath: /app/target}]\n";
    insta::assert_snapshot!(alone(
        &world,
        "agent",
        fields,
        "  volumes: [{name: tmp, emptyDir: {}}]\n"
    ));
}

#[test]
fn agent_without_a_known_user_or_claim() {
    let mut world = World::new();
    world.cache_claim = false;
    insta::assert_snapshot!(alone(&world, "agent", "    args: [serve]\n", ""));
}

#[test]
fn an_image_has_no_agent() {
    let mut world = World::new();
    world.spec.mode = CopyMode::Image;
    let text = alone(&world, "agent", "    args: [serve]\n", "");
    assert!(
        !text.contains("devspace-agent") && text.contains("- serve"),
        "{text}"
    );
}

#[test]
fn pod() {
    let pod = "  readinessGates: [{conditionType: lb.test/ready}]\n  hostname: a\n  subdomain: b\n  \
               terminationGracePeriodSeconds: 600\n  overhead: {cpu: 1m}\n  runtimeClassName: gvisor\n";
    insta::assert_snapshot!(alone(&World::new(), "pod", "", pod));
}

#[test]
fn folders_that_cannot_be_mounted_are_refused() {
    let template: PodTemplateSpec =
        yaml("{spec: {containers: [{name: app, ports: [{name: http, containerPort: 1}]}]}}");
    for path in ["src", "/", "//", "/a/../b", "/devspace/bin", "/a:b"] {
        let mut world = World::new();
        world.spec.sync_targets = vec![path.to_owned()];
        assert!(
            matches!(world.derive(&template), Err(CopyRefusal::Folder { .. })),
            "{path}"
        );
    }
    let mut world = World::new();
    world.spec.cache = vec!["/a".into(), "/a/".into()];
    assert!(matches!(world.derive(&template), Err(CopyRefusal::Folder { .. })));
}
