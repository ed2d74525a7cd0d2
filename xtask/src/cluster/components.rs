//! The command line of every program that PID 1 of the namespaces runs.

use std::path::PathBuf;

use super::layout::{API_PORT, CONTAINERD_SOCKET, Layout, NODE, NODE_IP, SERVICE_RANGE};

/// When a component starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// At once.
    First,
    /// At once, and runs to its end: the others wait for its exit status 0.
    Gate,
    /// When the gate has ended well.
    Second,
}

/// One program that is kept running.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// The name that `cluster restart` takes.
    pub(crate) name: &'static str,
    /// When it starts.
    pub(crate) stage: Stage,
    /// The program's path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

/// Every component of the cluster, in the order in which they start.
pub(crate) fn all(layout: &Layout) -> Vec<Component> {
    use Stage::{First, Gate, Second};
    let kube = layout.path("bin/kube");
    let own = |name, stage, arguments: Vec<String>| {
        let arguments = std::iter::once(name)
            .map(str::to_owned)
            .chain(arguments)
            .collect();
        Component {
            name,
            stage,
            program: kube.clone(),
            arguments,
        }
    };
    let containerd = Component {
        name: "containerd",
        stage: First,
        program: PathBuf::from("/usr/bin/containerd"),
        arguments: vec!["--config".to_owned(), layout.text("containerd.toml")],
    };
    vec![
        own("etcd", First, etcd(layout)),
        containerd,
        own("kube-apiserver", First, api_server(layout)),
        own("await", Gate, gate(layout)),
        own("kube-controller-manager", Second, controller_manager(layout)),
        own("kube-scheduler", Second, scheduler(layout)),
        own("kubelet", Second, kubelet(layout)),
        own("kube-proxy", Second, proxy(layout)),
        own("hostpath-provisioner", Second, provisioner(layout)),
    ]
}

fn flags(pairs: &[(&str, String)]) -> Vec<String> {
    pairs
        .iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect()
}

fn etcd(layout: &Layout) -> Vec<String> {
    flags(&[
        ("data-dir", layout.text("etcd")),
        ("listen-client-urls", "http://127.0.0.1:2379".into()),
        ("advertise-client-urls", "http://127.0.0.1:2379".into()),
        ("listen-peer-urls", "http://127.0.0.1:2380".into()),
        // The cluster is thrown away with the machine; a killed etcd loses nothing, because the kernel keeps its writes.
        ("unsafe-no-fsync", "true".into()),
        ("log-level", "warn".into()),
    ])
}

fn api_server(layout: &Layout) -> Vec<String> {
    let pki = |file: &str| layout.text(&format!("pki/{file}"));
    flags(&[
        ("etcd-servers", "http://127.0.0.1:2379".into()),
        ("service-cluster-ip-range", SERVICE_RANGE.into()),
        ("advertise-address", NODE_IP.into()),
        ("secure-port", API_PORT.to_string()),
        ("tls-cert-file", pki("apiserver.crt")),
        ("tls-private-key-file", pki("apiserver.key")),
        ("client-ca-file", pki("ca.crt")),
        ("kubelet-client-certificate", pki("apiserver-kubelet.crt")),
        ("kubelet-client-key", pki("apiserver-kubelet.key")),
        ("kubelet-certificate-authority", pki("ca.crt")),
        // Logs and exec would else look the node's name up in DNS.
        ("kubelet-preferred-address-types", "InternalIP".into()),
        ("service-account-key-file", pki("sa.key")),
        ("service-account-signing-key-file", pki("sa.key")),
        ("service-account-issuer", "https://kubernetes.default.svc".into()),
        ("authorization-mode", "Node,RBAC".into()),
        ("enable-admission-plugins", "NodeRestriction".into()),
        ("allow-privileged", "true".into()),
    ])
}

fn gate(layout: &Layout) -> Vec<String> {
    let mut arguments = flags(&[
        ("kubeconfig", kubeconfig(layout, "admin")),
        ("limit", "2m".into()),
    ]);
    arguments.extend([format!("socket={CONTAINERD_SOCKET}"), "api".to_owned()]);
    arguments
}

fn controller_manager(layout: &Layout) -> Vec<String> {
    let many = |name: &'static str| (name, "20".to_owned());
    flags(&[
        ("kubeconfig", kubeconfig(layout, "controller-manager")),
        (
            "authentication-kubeconfig",
            kubeconfig(layout, "controller-manager"),
        ),
        (
            "authorization-kubeconfig",
            kubeconfig(layout, "controller-manager"),
        ),
        ("service-account-private-key-file", layout.text("pki/sa.key")),
        ("root-ca-file", layout.text("pki/ca.crt")),
        ("use-service-account-credentials", "true".into()),
        ("leader-elect", "false".into()),
        ("controllers", "*,-nodeipam".into()),
        ("kube-api-qps", "200".into()),
        ("kube-api-burst", "400".into()),
        ("pvclaimbinder-sync-period", "1s".into()),
        many("concurrent-endpoint-syncs"),
        many("concurrent-service-endpoint-syncs"),
        many("concurrent-deployment-syncs"),
        many("concurrent-replicaset-syncs"),
        many("concurrent-namespace-syncs"),
    ])
}

fn scheduler(layout: &Layout) -> Vec<String> {
    flags(&[
        ("kubeconfig", kubeconfig(layout, "scheduler")),
        ("authentication-kubeconfig", kubeconfig(layout, "scheduler")),
        ("authorization-kubeconfig", kubeconfig(layout, "scheduler")),
        ("leader-elect", "false".into()),
    ])
}

fn kubelet(layout: &Layout) -> Vec<String> {
    flags(&[
        ("config", layout.text("kubelet.yaml")),
        ("kubeconfig", kubeconfig(layout, "kubelet")),
        ("root-dir", "/var/lib/kubelet".into()),
        ("hostname-override", NODE.into()),
        ("node-ip", NODE_IP.into()),
    ])
}

fn proxy(layout: &Layout) -> Vec<String> {
    flags(&[
        ("kubeconfig", kubeconfig(layout, "proxy")),
        ("proxy-mode", "iptables".into()),
        ("hostname-override", NODE.into()),
        ("oom-score-adj", "0".into()),
        ("conntrack-max-per-core", "0".into()),
        ("conntrack-tcp-timeout-established", "0".into()),
        ("conntrack-tcp-timeout-close-wait", "0".into()),
        ("nodeport-addresses", format!("{NODE_IP}/32")),
    ])
}

fn provisioner(layout: &Layout) -> Vec<String> {
    flags(&[
        ("kubeconfig", kubeconfig(layout, "admin")),
        ("root", layout.text("volumes")),
        ("node", NODE.into()),
    ])
}

fn kubeconfig(layout: &Layout, name: &str) -> String {
    layout.text(&format!("pki/{name}.kubeconfig"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_has_its_own_name_and_only_one_is_the_gate() {
        let all = all(&Layout::at("/state".into()));
        let mut names: Vec<&str> = all.iter().map(|component| component.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert_eq!(
            all.iter()
                .filter(|component| component.stage == Stage::Gate)
                .count(),
            1
        );
    }

    #[test]
    fn the_api_server_authorizes_as_real_clusters_do() {
        let arguments = api_server(&Layout::at("/state".into()));
        assert!(arguments.contains(&"--authorization-mode=Node,RBAC".to_owned()));
        assert!(arguments.contains(&"--client-ca-file=/state/pki/ca.crt".to_owned()));
    }
}
