//! What a Service's spec says about its interception. The spec is what routes traffic, so the state is read from it.

use std::collections::BTreeMap;

use devspace_api::names::ROUTER_SELECTOR_VALUE;
use devspace_api::record::{Record, RecordPort};
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What a Service's spec says about its interception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It sends traffic to the baseline's pods.
    Plain,
    /// It sends traffic to the router, in each port.
    Flipped,
    /// It has something of both, and so matches no pod or no port.
    Mixed,
}

/// The selector and the target ports that a Service has without us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Originals {
    /// The selector.
    pub selector: BTreeMap<String, String>,
    /// Each port of the live Service with its original target, in the live order.
    pub ports: Vec<OriginalPort>,
}

/// One port of [`Originals`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalPort {
    /// Its name.
    pub name: Option<String>,
    /// The port that callers use.
    pub port: u16,
    /// The original target.
    pub target_port: Option<IntOrString>,
    /// The protocol that the owner declared.
    pub app_protocol: Option<String>,
}

/// The Service's selector; empty where it has none.
pub(super) fn selector(service: &Service) -> BTreeMap<String, String> {
    service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.clone())
        .unwrap_or_default()
}

/// The Service's ports; empty where it has none.
pub(super) fn ports(service: &Service) -> &[ServicePort] {
    service
        .spec
        .as_ref()
        .and_then(|spec| spec.ports.as_deref())
        .unwrap_or_default()
}

/// Whether any selector key has the router's value, which only a flip writes.
pub(super) fn has_router_value(service: &Service) -> bool {
    selector(service)
        .values()
        .any(|value| value == ROUTER_SELECTOR_VALUE)
}

/// The record's port for a live port. The protocol is TCP in every recorded Service, so the number is the identity.
fn recorded<'a>(record: &'a Record, port: &ServicePort) -> Option<&'a RecordPort> {
    record
        .ports
        .iter()
        .find(|recorded| i32::from(recorded.port) == port.port)
}

/// Whether the live port's target is the listener that stands for it.
fn targets_listener(record: &Record, port: &ServicePort) -> bool {
    let listener = recorded(record, port).map(|recorded| IntOrString::Int(recorded.listener.into()));
    listener.is_some() && port.target_port == listener
}

/// What the spec says, seen with its record.
#[must_use]
pub fn shape(service: &Service, record: &Record) -> Shape {
    let selector = selector(service);
    let ours = selector
        .values()
        .filter(|value| *value == ROUTER_SELECTOR_VALUE)
        .count();
    let ports = ports(service);
    let listening = ports.iter().filter(|port| targets_listener(record, port)).count();
    if ours == 0 && listening == 0 {
        return Shape::Plain;
    }
    let same_keys = selector.keys().eq(record.selector.keys());
    let whole = ours == selector.len() && listening == ports.len() && ports.len() == record.ports.len();
    if same_keys && whole {
        Shape::Flipped
    } else {
        Shape::Mixed
    }
}

/// What the Service is without us: what its owner wrote last, and the record for what we wrote.
/// A mix so gives the owner's new value as the new original.
#[must_use]
pub fn originals(service: &Service, record: Option<&Record>) -> Originals {
    let mut chosen = BTreeMap::new();
    for (key, value) in selector(service) {
        if value != ROUTER_SELECTOR_VALUE {
            chosen.insert(key, value);
        } else if let Some(original) = record.and_then(|record| record.selector.get(&key)) {
            chosen.insert(key, original.clone());
        }
    }
    let ports = ports(service)
        .iter()
        .map(|port| original_port(port, record))
        .collect();
    Originals {
        selector: chosen,
        ports,
    }
}

fn original_port(port: &ServicePort, record: Option<&Record>) -> OriginalPort {
    let target_port = match record.filter(|record| targets_listener(record, port)) {
        Some(record) => recorded(record, port).and_then(|recorded| recorded.target_port.clone()),
        None => port.target_port.clone(),
    };
    OriginalPort {
        name: port.name.clone().filter(|name| !name.is_empty()),
        // The API server holds port numbers to 1..65535.
        port: u16::try_from(port.port).unwrap_or_default(),
        target_port,
        app_protocol: port.app_protocol.clone(),
    }
}

/// Whether the record says of the Service what its owner says now.
#[must_use]
pub fn is_current(record: &Record, originals: &Originals) -> bool {
    let same_port = |(recorded, original): (&RecordPort, &OriginalPort)| {
        recorded.name == original.name
            && recorded.port == original.port
            && recorded.target_port == original.target_port
            && recorded.app_protocol == original.app_protocol
    };
    record.selector == originals.selector
        && record.ports.len() == originals.ports.len()
        && record.ports.iter().zip(&originals.ports).all(same_port)
}
