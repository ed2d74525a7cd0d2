//! The variables that stand for Services (Kubernetes documentation, "Service", "Environment variables").
//!
//! A pod of the baseline gets them from the kubelet, for the Services of its own namespace. A copy runs in another
//! namespace, so they come to it in a ConfigMap, which has the same low precedence as the kubelet's. The ConfigMap is
//! no part of the template: a Service that is added to the baseline restarts no copy.

use std::collections::BTreeMap;

use devspace_api::names::{GATEWAY_SERVICE, SHADOW_OF_LABEL};
use k8s_openapi::api::core::v1::{ConfigMapEnvSource, EnvFromSource, Service, ServicePort};

use super::draft::Draft;
use super::{CopyRefusal, Input, objects};

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    // What the kubelet would add are Services of the personal namespace, which are ours.
    let wanted = draft.pod.enable_service_links.replace(false) != Some(false);
    if !wanted {
        return Ok(());
    }
    draft.service_env = variables(input.context.services);
    let source = EnvFromSource {
        config_map_ref: Some(ConfigMapEnvSource {
            name: objects::service_env_name(&input.spec.service),
            optional: Some(true),
        }),
        ..EnvFromSource::default()
    };
    for container in draft.containers_mut() {
        // First: sources that follow win over it.
        container
            .env_from
            .get_or_insert_default()
            .insert(0, source.clone());
    }
    Ok(())
}

/// The variables of all `services` that have an address.
fn variables(services: &[Service]) -> BTreeMap<String, String> {
    services
        .iter()
        .filter(|service| !ours(service))
        .filter_map(of_service)
        .flatten()
        .collect()
}

fn ours(service: &Service) -> bool {
    let shadow = service
        .metadata
        .labels
        .as_ref()
        .is_some_and(|labels| labels.contains_key(SHADOW_OF_LABEL));
    shadow || service.metadata.name.as_deref() == Some(GATEWAY_SERVICE)
}

fn of_service(service: &Service) -> Option<Vec<(String, String)>> {
    let spec = service.spec.as_ref()?;
    let address = spec
        .cluster_ip
        .as_deref()
        .filter(|ip| !ip.is_empty() && *ip != "None")?;
    let ports = spec.ports.as_deref()?;
    let first = ports.first()?;
    let prefix = word(service.metadata.name.as_deref()?);
    let mut all = vec![
        (format!("{prefix}_SERVICE_HOST"), address.to_owned()),
        (format!("{prefix}_SERVICE_PORT"), first.port.to_string()),
        (format!("{prefix}_PORT"), url(address, first)),
    ];
    for port in ports {
        if let Some(name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            all.push((
                format!("{prefix}_SERVICE_PORT_{}", word(name)),
                port.port.to_string(),
            ));
        }
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let link = format!("{prefix}_PORT_{}_{}", port.port, protocol.to_ascii_uppercase());
        all.push((link.clone(), url(address, port)));
        all.push((format!("{link}_PROTO"), protocol.to_ascii_lowercase()));
        all.push((format!("{link}_PORT"), port.port.to_string()));
        all.push((format!("{link}_ADDR"), address.to_owned()));
    }
    Some(all)
}

fn word(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn url(address: &str, port: &ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or("TCP").to_ascii_lowercase();
    if address.contains(':') {
        format!("{protocol}://[{address}]:{}", port.port)
    } else {
        format!("{protocol}://{address}:{}", port.port)
    }
}
