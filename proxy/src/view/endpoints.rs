//! EndpointSlices.

use std::net::SocketAddr;

use devspace_api::names::{COPY_LABEL, SHADOW_OF_LABEL, SPACE_LABEL};
use devspace_core::table::{CopySlice, EndpointState, SliceView};
use devspace_core::{ServiceName, SpaceName};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::ResourceExt;

pub(super) fn of_baseline(slices: &[&EndpointSlice]) -> Vec<SliceView> {
    slices
        .iter()
        .flat_map(|slice| views(slice, SHADOW_OF_LABEL))
        .collect()
}

pub(super) fn of_copies(slices: &[&EndpointSlice]) -> Vec<CopySlice> {
    let copy = |slice: &&EndpointSlice| {
        let space = SpaceName::try_new(slice.labels().get(SPACE_LABEL)?).ok()?;
        let namespace = slice.namespace().unwrap_or_default();
        let of = move |view| CopySlice {
            space: space.clone(),
            namespace: namespace.clone(),
            slice: view,
        };
        Some(views(slice, COPY_LABEL).into_iter().map(of).collect::<Vec<_>>())
    };
    slices.iter().filter_map(copy).flatten().collect()
}

/// One view per port of the slice; an empty slice of an unnamed port where it has none, so that it is known that
/// the service has slices.
fn views(slice: &EndpointSlice, service_label: &str) -> Vec<SliceView> {
    let name = slice
        .labels()
        .get(service_label)
        .map(|name| ServiceName::try_new(name));
    let Some(Ok(service)) = name else {
        return Vec::new();
    };
    // `FQDN` slices hold names, which no router may look up.
    if slice.address_type == "FQDN" {
        return Vec::new();
    }
    let ports: Vec<(String, u16)> = slice
        .ports
        .iter()
        .flatten()
        .filter_map(|port| {
            Some((
                port.name.clone().unwrap_or_default(),
                u16::try_from(port.port?).ok()?,
            ))
        })
        .collect();
    if ports.is_empty() {
        return vec![SliceView {
            service,
            port: String::new(),
            endpoints: Vec::new(),
        }];
    }
    let of_port = |(name, port): (String, u16)| SliceView {
        service: service.clone(),
        port: name,
        endpoints: slice
            .endpoints
            .iter()
            .flat_map(|endpoint| states(endpoint, port))
            .collect(),
    };
    ports.into_iter().map(of_port).collect()
}

/// Unset conditions mean ready, serving and not terminating (Kubernetes API, EndpointConditions).
fn states(endpoint: &Endpoint, port: u16) -> Vec<EndpointState> {
    let conditions = endpoint.conditions.as_ref();
    let ready = conditions.and_then(|c| c.ready).unwrap_or(true);
    let state = |address: SocketAddr| EndpointState {
        address,
        ready,
        serving: conditions.and_then(|c| c.serving).unwrap_or(ready),
        terminating: conditions.and_then(|c| c.terminating).unwrap_or(false),
    };
    // Every address of an endpoint stands for the same pod; consumers use the first.
    let first = endpoint.addresses.first().and_then(|text| text.parse().ok());
    first
        .map(|address| state(SocketAddr::new(address, port)))
        .into_iter()
        .collect()
}
