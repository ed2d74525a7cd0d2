//! Sidecars of meshes and injectors go: the router does what a mesh would do for a copy.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Container;

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// Containers that an injector writes into templates or pods (Istio, Linkerd, Consul, Kuma, Dapr, Vault).
const INJECTED: [&str; 14] = [
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "linkerd-proxy",
    "linkerd-init",
    "linkerd-network-validator",
    "linkerd-debug",
    "consul-dataplane",
    "consul-connect-inject-init",
    "kuma-sidecar",
    "kuma-init",
    "daprd",
    "vault-agent",
    "vault-agent-init",
];

/// Domains of labels and annotations that injectors read.
const DOMAINS: [&str; 7] = [
    "istio.io",
    "linkerd.io",
    "kuma.io",
    "dapr.io",
    "consul.hashicorp.com",
    "vault.hashicorp.com",
    "azure.workload.identity",
];

/// Whether an injector brought this container.
pub(super) fn is_injected(container: &Container) -> bool {
    INJECTED.contains(&container.name.as_str())
}

fn of_injector(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else {
        return false;
    };
    DOMAINS
        .iter()
        .any(|known| domain == *known || domain.strip_suffix(known).is_some_and(|d| d.ends_with('.')))
}

fn take(map: &mut BTreeMap<String, String>) -> Vec<String> {
    let gone: Vec<String> = map.keys().filter(|key| of_injector(key)).cloned().collect();
    for key in &gone {
        map.remove(key);
    }
    gone
}

pub(super) fn apply(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    let own = std::mem::take(&mut draft.pod.containers);
    let (injected, own): (Vec<_>, Vec<_>) = own.into_iter().partition(is_injected);
    draft.pod.containers = own;
    let init = draft.pod.init_containers.take().unwrap_or_default();
    let (injected_init, init): (Vec<_>, Vec<_>) = init.into_iter().partition(is_injected);
    draft.pod.init_containers = (!init.is_empty()).then_some(init);
    for container in injected.into_iter().chain(injected_init) {
        draft.change(format!("injected container {} dropped", container.name));
    }
    let mut keys = take(&mut draft.labels);
    keys.append(&mut take(&mut draft.annotations));
    for key in keys {
        draft.change(format!("{key} dropped"));
    }
    Ok(())
}
