//! Which listener of the router stands for which port of a Service.

use std::collections::BTreeSet;

use devspace_api::record::{RECORD_VERSION, Record, RecordPort};
use devspace_core::ports::{LISTENER_FIRST, LISTENER_LAST};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::shape::Originals;

/// Who asks for the interception, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// UID of the Baseline.
    pub baseline: &'a str,
    /// The present, RFC 3339 in UTC.
    pub now: &'a str,
}

/// The record of a Service with these originals, or `None` where no listener is free.
///
/// A port keeps the listener of `previous`; a new one gets the lowest that is not in `taken` (every listener in the
/// records of the namespace). A listener is never a number that the Service itself targets, so that the two can be told apart.
#[must_use]
pub(super) fn record_of(
    originals: &Originals,
    previous: Option<&Record>,
    taken: &BTreeSet<u16>,
    asker: Asker<'_>,
) -> Option<Record> {
    let mut used = taken.clone();
    used.extend(originals.ports.iter().filter_map(|port| match port.target_port {
        Some(IntOrString::Int(number)) => u16::try_from(number).ok(),
        Some(IntOrString::String(_)) | None => None,
    }));
    let mut ports = Vec::with_capacity(originals.ports.len());
    for original in &originals.ports {
        let kept = previous.and_then(|record| record.ports.iter().find(|port| port.port == original.port));
        let listener = match kept {
            Some(kept) => kept.listener,
            None => (LISTENER_FIRST..=LISTENER_LAST).find(|listener| !used.contains(listener))?,
        };
        used.insert(listener);
        ports.push(RecordPort {
            name: original.name.clone(),
            port: original.port,
            target_port: original.target_port.clone(),
            listener,
            app_protocol: original.app_protocol.clone(),
        });
    }
    Some(Record {
        version: RECORD_VERSION,
        selector: originals.selector.clone(),
        ports,
        baseline: asker.baseline.to_owned(),
        since: previous
            .map_or(asker.now, |record| record.since.as_str())
            .to_owned(),
        restored: None,
    })
}

/// The record of a flipped Service whose annotation was lost, from its shadow's `originals` and its own targets.
#[must_use]
pub(super) fn recovered(originals: &Originals, targets: &[(u16, u16)], asker: Asker<'_>) -> Option<Record> {
    let mut ports = Vec::with_capacity(originals.ports.len());
    for original in &originals.ports {
        let (_, listener) = targets.iter().find(|(port, _)| *port == original.port)?;
        ports.push(RecordPort {
            name: original.name.clone(),
            port: original.port,
            target_port: original.target_port.clone(),
            listener: *listener,
            app_protocol: original.app_protocol.clone(),
        });
    }
    Some(Record {
        version: RECORD_VERSION,
        selector: originals.selector.clone(),
        ports,
        baseline: asker.baseline.to_owned(),
        since: asker.now.to_owned(),
        restored: None,
    })
}
