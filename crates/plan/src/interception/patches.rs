//! The patches that change a Service of the team. Each is a JSON merge patch (RFC 7386) that carries the resourceVersion
//! it was made for, so that it lands on what was seen or not at all.

use devspace_api::names::{RECORD_ANNOTATION, ROUTER_SELECTOR_VALUE};
use devspace_api::record::{Record, RecordError};
use k8s_openapi::api::core::v1::Service;
use serde_json::{Map, Value, json};

use super::shape::{Originals, originals, ports, selector};

/// Writes the record and nothing else.
///
/// # Errors
/// [`RecordError::Write`].
pub fn record(service: &Service, record: &Record) -> Result<Value, RecordError> {
    Ok(patch(
        service,
        Some(json!({ RECORD_ANNOTATION: record.to_json()? })),
        None,
    ))
}

/// Sends the Service's traffic to the router: each selector key keeps its name and gets the router's value,
/// each target port becomes its listener.
#[must_use]
pub fn flip(service: &Service, record: &Record) -> Value {
    let keys = record.selector.keys();
    let selector: Map<String, Value> = keys
        .map(|key| (key.clone(), json!(ROUTER_SELECTOR_VALUE)))
        .collect();
    let targets = ports(service).iter().map(|port| {
        let recorded = record
            .ports
            .iter()
            .find(|recorded| i32::from(recorded.port) == port.port);
        with_target(port, recorded.map(|recorded| json!(recorded.listener)))
    });
    let spec = json!({ "selector": selector, "ports": targets.collect::<Vec<_>>() });
    patch(service, None, Some(spec))
}

/// Puts the Service back as it is without us and writes `record` along. With a mix, the owner's last values are kept.
///
/// # Errors
/// [`RecordError::Write`].
pub fn restore(service: &Service, was: &Record, record: &Record) -> Result<Value, RecordError> {
    let spec = plain_spec(service, &originals(service, Some(was)));
    Ok(patch(
        service,
        Some(json!({ RECORD_ANNOTATION: record.to_json()? })),
        Some(spec),
    ))
}

/// Takes the record off. The spec is left as it is.
#[must_use]
pub fn forget(service: &Service) -> Value {
    patch(service, Some(json!({ RECORD_ANNOTATION: Value::Null })), None)
}

fn plain_spec(service: &Service, originals: &Originals) -> Value {
    // A merge patch keeps what it does not name: a key that has no original is taken off by name.
    let mut chosen: Map<String, Value> = selector(service)
        .into_keys()
        .map(|key| (key, Value::Null))
        .collect();
    chosen.extend(
        originals
            .selector
            .iter()
            .map(|(key, value)| (key.clone(), json!(value))),
    );
    let targets = ports(service).iter().zip(&originals.ports);
    let targets =
        targets.map(|(port, original)| with_target(port, original.target_port.as_ref().map(|t| json!(t))));
    json!({ "selector": chosen, "ports": targets.collect::<Vec<_>>() })
}

/// The live port with another target. A merge patch replaces lists whole, so every field of the port is carried.
fn with_target(port: &k8s_openapi::api::core::v1::ServicePort, target: Option<Value>) -> Value {
    let mut value = json!(port);
    if let Some(fields) = value.as_object_mut() {
        match target {
            Some(target) => fields.insert("targetPort".to_owned(), target),
            None => fields.remove("targetPort"),
        };
    }
    value
}

fn patch(service: &Service, annotations: Option<Value>, spec: Option<Value>) -> Value {
    let mut metadata = Map::new();
    metadata.insert(
        "resourceVersion".to_owned(),
        json!(service.metadata.resource_version),
    );
    if let Some(annotations) = annotations {
        metadata.insert("annotations".to_owned(), annotations);
    }
    let mut body = Map::new();
    body.insert("metadata".to_owned(), Value::Object(metadata));
    if let Some(spec) = spec {
        body.insert("spec".to_owned(), spec);
    }
    Value::Object(body)
}
