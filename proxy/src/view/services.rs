//! The Baseline and the Services of its namespace.

use std::net::IpAddr;
use std::num::NonZeroU8;

use devspace_api::baseline::{Carrier, OutsideKeys};
use devspace_api::record::Record;
use devspace_api::{Baseline, BaselineSpec};
use devspace_core::ServiceName;
use devspace_core::chain::DEFAULT_DEPTH;
use devspace_core::key::CarrierPolicy;
use devspace_core::table::{BaselineView, PlainService, PortView, Protocol, ServiceView};
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use super::{LeftOut, Objects, entry};

pub(super) fn baseline(objects: &Objects<'_>, left_out: &mut Vec<LeftOut>) -> BaselineView {
    let spec = spec(&objects.baselines);
    let mut view = BaselineView {
        carriers: carriers(spec.carriers.as_deref()),
        outside_keys: spec.outside_keys == OutsideKeys::Allow,
        hosts: spec.hosts.clone(),
        // The depth counts parents; the chain counts the space itself too.
        max_chain: NonZeroU8::MIN.saturating_add(spec.limits.depth.unwrap_or(DEFAULT_DEPTH)),
        services: Vec::new(),
        plain: Vec::new(),
        rules: entry::rules(&objects.ingresses),
        standing: Vec::new(),
    };
    for service in &objects.services {
        let name = match ServiceName::try_new(&service.name_any()) {
            Ok(name) => name,
            Err(error) => {
                left_out.push(LeftOut::Name("Service", service.name_any(), error));
                continue;
            }
        };
        match Record::of(service) {
            Ok(Some(record)) => view.services.push(intercepted(name, service, &record)),
            Ok(None) => view.plain.extend(plain(name, service)),
            Err(error) => left_out.push(LeftOut::Record(service.name_any(), error)),
        }
    }
    view
}

/// The one Baseline of the namespace: the oldest, as the controller counts.
fn spec(baselines: &[&Baseline]) -> BaselineSpec {
    let age = |baseline: &&&Baseline| {
        (
            baseline.creation_timestamp().map(|time| time.0),
            baseline.name_any(),
        )
    };
    baselines
        .iter()
        .min_by_key(age)
        .map(|baseline| baseline.spec.clone())
        .unwrap_or_default()
}

fn carriers(enabled: Option<&[Carrier]>) -> CarrierPolicy {
    let Some(enabled) = enabled else {
        return CarrierPolicy::default();
    };
    let has = |carrier| enabled.contains(&carrier);
    CarrierPolicy {
        header: has(Carrier::Header),
        compatible: has(Carrier::CompatibleHeaders),
        baggage: has(Carrier::Baggage),
        tracestate: has(Carrier::Tracestate),
        calling_pod: has(Carrier::CallingPod),
    }
}

fn intercepted(name: ServiceName, service: &Service, record: &Record) -> ServiceView {
    let port = |port: &devspace_api::record::RecordPort| {
        let port_name = port.name.clone().unwrap_or_default();
        PortView {
            protocol: Protocol::declared(port.app_protocol.as_deref(), &port_name, port.port),
            name: port_name,
            port: port.port,
            listener: port.listener,
        }
    };
    let affinity = service
        .spec
        .as_ref()
        .and_then(|spec| spec.session_affinity.as_deref());
    ServiceView {
        name,
        ports: record.ports.iter().map(port).collect(),
        client_affinity: affinity == Some("ClientIP"),
    }
}

/// A Service with a cluster address. Headless and external ones cannot be forwarded to.
fn plain(name: ServiceName, service: &Service) -> Option<PlainService> {
    let spec = service.spec.as_ref()?;
    let address: IpAddr = spec.cluster_ip.as_deref()?.parse().ok()?;
    let ports = spec.ports.iter().flatten().filter_map(|port| {
        Some((
            port.name.clone().unwrap_or_default(),
            u16::try_from(port.port).ok()?,
        ))
    });
    Some(PlainService {
        name,
        address,
        ports: ports.collect(),
    })
}
