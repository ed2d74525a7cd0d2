//! The configuration files of a cluster's parts, as text.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::layout::{CONTAINERD_SOCKET, DNS_IP, Layout, POD_RANGE};
use crate::places::{make_folder, write_file};
use crate::process::{self, command};

/// The name of the image that holds a pod's namespaces.
pub(crate) const PAUSE_IMAGE: &str = "devspace.test/pause:1";

/// Writes every configuration file, and makes the folders they name.
///
/// # Errors
/// A folder or file cannot be made.
pub(crate) fn write(layout: &Layout) -> Result<()> {
    for folder in [
        "etcd",
        "containerd",
        "kubelet",
        "logs",
        "cni",
        "var-log",
        "var-lib-cni",
        "volumes",
        "plugins",
    ] {
        make_folder(&layout.path(folder))?;
    }
    write_file(
        &layout.path("containerd.toml"),
        containerd(layout, snapshotter(layout.root())?),
    )?;
    write_file(&layout.path("cni/10-pods.conflist"), pod_network()?)?;
    write_file(&layout.path("kubelet.yaml"), kubelet(layout)?)
}

/// overlayfs cannot be stacked on overlayfs, which a container's own root often is.
fn snapshotter(root: &Path) -> Result<&'static str> {
    let kind = process::text(command("stat", ["-f", "-c", "%T"]).arg(root))?;
    Ok(if kind == "overlayfs" {
        "native"
    } else {
        "overlayfs"
    })
}

fn containerd(layout: &Layout, snapshotter: &str) -> String {
    let (root, cni) = (layout.text("containerd"), layout.text("cni"));
    format!(
        r#"version = 2
root = "{root}"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Lowering a score needs CAP_SYS_RESOURCE, which a CI machine may lack.
  restrict_oom_score_adj = true
  # containerd 2 has both on by default.
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
"#
    )
}

fn pod_network() -> Result<String> {
    let plugins = json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
                "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_RANGE}]], "routes": [{"dst": "0.0.0.0/0"}]},
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    });
    serde_json::to_string_pretty(&plugins).context("cannot write the pod network's configuration")
}

fn kubelet(layout: &Layout) -> Result<String> {
    let configuration = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.path("pki/ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": layout.path("pki/kubelet.crt"),
        "tlsPrivateKeyFile": layout.path("pki/kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", layout.control_group()),
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "clusterDNS": [DNS_IP],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
        "resolvConf": "",
        "volumePluginDir": layout.path("plugins"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%", "memory.available": "100Mi",
        },
        "localStorageCapacityIsolation": false,
        "maxPods": 500,
        "serializeImagePulls": false,
        "registryPullQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "eventRecordQPS": 100,
        "eventBurst": 200,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "2s",
        "nodeStatusReportFrequency": "1m",
    });
    serde_saphyr::to_string(&configuration).context("cannot write the kubelet's configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cluster_has_its_own_control_group() {
        let one = kubelet(&Layout::at("/a".into())).unwrap();
        let other = kubelet(&Layout::at("/b".into())).unwrap();
        let group = |text: &str| {
            text.lines()
                .find(|line| line.contains("cgroupRoot"))
                .unwrap()
                .to_owned()
        };
        assert!(group(&one).contains("/devspace-"), "{one}");
        assert_ne!(group(&one), group(&other));
    }

    #[test]
    fn containerd_keeps_its_data_in_the_state_folder() {
        let text = containerd(&Layout::at("/state".into()), "native");
        assert!(text.contains("root = \"/state/containerd\""), "{text}");
        assert!(text.contains("snapshotter = \"native\""), "{text}");
    }
}
