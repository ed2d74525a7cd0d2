//! The shadow Service: headless, with the original selector, so that Kubernetes keeps the list of the baseline's pods
//! while the Service itself selects the router.

use std::collections::BTreeSet;

use devspace_api::names::{MANAGED_BY, MANAGER, SHADOW_OF_LABEL};
use devspace_api::record::Record;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::shape::{OriginalPort, Originals};

/// The label that keeps kube-proxy away from a Service (well-known labels, `service.kubernetes.io/service-proxy-name`).
const SERVICE_PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";

/// Name of the shadow of `service`: no name of a Service is too long for it.
#[must_use]
pub fn shadow_name(service: &str) -> String {
    let hash = blake3::hash(service.as_bytes()).to_hex();
    format!("devspace-shadow-{}", hash.as_str().get(..12).unwrap_or_default())
}

/// The shadow that belongs to a recorded Service. `None` while the Service has no name or UID.
#[must_use]
pub fn shadow(service: &Service, record: &Record) -> Option<Service> {
    let name = service.metadata.name.clone()?;
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        name: name.clone(),
        uid: service.metadata.uid.clone()?,
        ..OwnerReference::default()
    };
    let ports = record.ports.iter().map(|port| ServicePort {
        name: port.name.clone(),
        port: port.port.into(),
        target_port: port.target_port.clone(),
        app_protocol: port.app_protocol.clone(),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    });
    Some(Service {
        metadata: ObjectMeta {
            name: Some(shadow_name(&name)),
            namespace: service.metadata.namespace.clone(),
            labels: Some(
                [
                    (SHADOW_OF_LABEL, name.as_str()),
                    (SERVICE_PROXY_NAME, "devspace"),
                    (MANAGED_BY, MANAGER),
                ]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some(record.selector.clone()),
            ports: Some(ports.collect()),
            ..ServiceSpec::default()
        }),
        status: None,
    })
}

/// What a shadow says that its Service was. Serves to recover a record that was lost.
#[must_use]
pub fn originals_of_shadow(shadow: &Service) -> Originals {
    let ports = super::shape::ports(shadow).iter().map(|port| OriginalPort {
        name: port.name.clone().filter(|name| !name.is_empty()),
        port: u16::try_from(port.port).unwrap_or_default(),
        target_port: port.target_port.clone(),
        app_protocol: port.app_protocol.clone(),
    });
    Originals {
        selector: super::shape::selector(shadow),
        ports: ports.collect(),
    }
}

/// Whether the live shadow is what [`shadow`] asks for.
#[must_use]
pub fn shadow_is_current(live: &Service, wanted: &Service) -> bool {
    let labels = |service: &Service| service.metadata.labels.clone().unwrap_or_default();
    let owner = |service: &Service| {
        service
            .metadata
            .owner_references
            .iter()
            .flatten()
            .map(|o| o.uid.clone())
            .next()
    };
    let live_labels = labels(live);
    originals_of_shadow(live) == originals_of_shadow(wanted)
        && owner(live) == owner(wanted)
        && labels(wanted)
            .iter()
            .all(|(key, value)| live_labels.get(key) == Some(value))
}

/// An endpoint as callers see it: address, whether it takes traffic, and the ports by name.
type Seen = BTreeSet<(String, bool, Vec<(String, i32)>)>;

fn seen<'a>(slices: impl IntoIterator<Item = &'a EndpointSlice>) -> Seen {
    let mut seen = Seen::new();
    for slice in slices {
        let mut ports: Vec<(String, i32)> = slice
            .ports
            .iter()
            .flatten()
            .map(|port| {
                (
                    port.name.clone().unwrap_or_default(),
                    port.port.unwrap_or_default(),
                )
            })
            .collect();
        ports.sort();
        for endpoint in &slice.endpoints {
            // Unset means ready (discovery/v1 EndpointConditions).
            let ready = endpoint.conditions.as_ref().and_then(|c| c.ready).unwrap_or(true);
            seen.extend(
                endpoint
                    .addresses
                    .iter()
                    .map(|address| (address.clone(), ready, ports.clone())),
            );
        }
    }
    seen
}

/// Whether two Services have the same endpoints, however they are cut into slices.
#[must_use]
pub fn same_endpoints<'a>(
    a: impl IntoIterator<Item = &'a EndpointSlice>,
    b: impl IntoIterator<Item = &'a EndpointSlice>,
) -> bool {
    seen(a) == seen(b)
}
