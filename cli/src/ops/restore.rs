//! `devspace baseline restore`: every intercepted Service put back from its record, with nothing of ours alive.

use devspace_api::names::{RECORD_ANNOTATION, ROUTER_SELECTOR_VALUE};
use devspace_api::record::{RECORD_VERSION, Record, RecordError, RecordPort};
use devspace_plan::interception::{
    Restoration, forget, hand_back, originals_of_shadow, restoration, shadow_name,
};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::sync::mpsc;

use crate::engine::EngineError;
use crate::engine::kube::{Kube, services};
use crate::event::Event;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// How often a Service that changes under us is read again. Each try needs somebody else's write in between.
const TRIES: usize = 10;

/// Why a Service is not put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The cluster did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its record cannot be read.
    #[error("service {service}: its record cannot be read")]
    Record {
        service: String,
        #[source]
        source: RecordError,
    },
    /// It changes all the time.
    #[error("service {service} changed {TRIES} times while it was put back")]
    Busy { service: String },
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RestoreRequest {
    /// Change nothing.
    pub(crate) plan: bool,
    /// Also take our finalizers off our objects.
    pub(crate) finalizers: bool,
}

/// Puts the Services of `namespace` back, and tells each.
///
/// # Errors
/// [`RestoreError`] for the first Service that cannot be put back. The others before it are.
pub(crate) async fn restore(
    kube: &Kube,
    namespace: &str,
    request: RestoreRequest,
    event_tx: &mpsc::Sender<Event>,
) -> Result<usize, RestoreError> {
    let mut count = 0;
    let all = services::list(kube, namespace).await?;
    for service in &all {
        let service = with_record(service, &all);
        let Some(planned) = planned(&service)? else {
            continue;
        };
        count += 1;
        if !request.plan {
            put_back(kube, namespace, service).await?;
        }
        let event = Event::Restored {
            service: planned.service,
            done: !request.plan,
            detail: planned.describes,
        };
        drop(event_tx.send(event).await);
    }
    if request.finalizers {
        for object in services::take_finalizers(kube, namespace, request.plan).await? {
            let event = Event::Restored {
                service: object,
                done: !request.plan,
                detail: "finalizer taken off".to_owned(),
            };
            drop(event_tx.send(event).await);
        }
    }
    Ok(count)
}

fn planned(service: &Service) -> Result<Option<Restoration>, RestoreError> {
    let name = || service.metadata.name.clone().unwrap_or_default();
    restoration(service).map_err(|source| RestoreError::Record {
        service: name(),
        source,
    })
}

/// The Service with its record. One that still goes to the router and whose record was wiped (`helm upgrade --force`) gets
/// it back from its shadow, which holds the original selector and targets.
fn with_record(service: &Service, all: &[Service]) -> Service {
    let mut service = service.clone();
    let annotated = service
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|all| all.contains_key(RECORD_ANNOTATION));
    if !annotated && let Some(text) = recovered(&service, all).and_then(|record| record.to_json().ok()) {
        service
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(RECORD_ANNOTATION.to_owned(), text);
    }
    service
}

fn recovered(service: &Service, all: &[Service]) -> Option<Record> {
    let spec = service.spec.as_ref()?;
    let flipped = spec
        .selector
        .iter()
        .flatten()
        .any(|(_, value)| value == ROUTER_SELECTOR_VALUE);
    let shadow = shadow_name(service.metadata.name.as_deref()?);
    let shadow = all
        .iter()
        .find(|other| other.metadata.name.as_ref() == Some(&shadow))
        .filter(|_| flipped)?;
    let was = originals_of_shadow(shadow);
    let ports = was.ports.into_iter().map(|port| {
        let live = spec
            .ports
            .iter()
            .flatten()
            .find(|live| live.port == i32::from(port.port));
        let listener = live.and_then(|live| match live.target_port {
            Some(IntOrString::Int(number)) => u16::try_from(number).ok(),
            _ => None,
        });
        RecordPort {
            name: port.name,
            port: port.port,
            target_port: port.target_port,
            listener: listener.unwrap_or_default(),
            app_protocol: port.app_protocol,
        }
    });
    Some(Record {
        version: RECORD_VERSION,
        selector: was.selector,
        ports: ports.collect(),
        baseline: String::new(),
        since: String::new(),
        restored: None,
    })
}

/// The patch from the record, the owners' fields given back, and then the record taken off. Each lands on what was read,
/// or the Service is read again.
async fn put_back(kube: &Kube, namespace: &str, mut service: Service) -> Result<(), RestoreError> {
    let name = service.metadata.name.clone().unwrap_or_default();
    for _ in 0..TRIES {
        match once(kube, namespace, &name, &service).await {
            Err(RestoreError::Engine(EngineError::Conflict { .. })) => {}
            result => return result,
        }
        let found = services::list(kube, namespace).await?;
        match found
            .iter()
            .find(|found| found.metadata.name.as_ref() == Some(&name))
        {
            Some(live) => service = with_record(live, &found),
            None => return Ok(()),
        }
    }
    Err(RestoreError::Busy { service: name })
}

async fn once(kube: &Kube, namespace: &str, name: &str, service: &Service) -> Result<(), RestoreError> {
    let Some(planned) = planned(service)? else {
        return Ok(());
    };
    let mut current = service.clone();
    if let Some(patch) = &planned.patch {
        current = services::merge(kube, namespace, name, patch).await?;
    }
    if let Some(patch) = hand_back(Some(service), &current) {
        current = services::merge(kube, namespace, name, &patch).await?;
    }
    services::merge(kube, namespace, name, &forget(&current)).await?;
    Ok(())
}

impl Report for RestoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Record { .. } => "record",
            Self::Busy { .. } => "busy",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Busy { .. } => Some(Hint::new(
                "a controller that is alive takes it back; disable the Service or uninstall first",
            )),
            Self::Record { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(value: serde_json::Value) -> Service {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_wiped_record_comes_back_from_the_shadow() {
        let flipped = service(
            json!({"metadata": {"name": "package", "resourceVersion": "7"}, "spec": {
            "selector": {"app": "devspace-proxy"}, "ports": [{"name": "http", "port": 80, "targetPort": 20003}]}}),
        );
        let shadow = service(json!({"metadata": {"name": shadow_name("package")}, "spec": {
            "selector": {"app": "package"}, "ports": [{"name": "http", "port": 80, "targetPort": "web"}]}}));
        let all = [flipped.clone(), shadow];
        let planned = planned(&with_record(&flipped, &all)).unwrap().unwrap();
        let patch = planned.patch.unwrap();
        assert_eq!(patch["spec"]["selector"], json!({"app": "package"}));
        assert_eq!(patch["spec"]["ports"][0]["targetPort"], "web");
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        // A Service that is plain, and one without a shadow, are left alone.
        let plain =
            service(json!({"metadata": {"name": "package"}, "spec": {"selector": {"app": "package"}}}));
        assert_eq!(with_record(&plain, &all), plain);
        assert_eq!(with_record(&flipped, &[]), flipped);
    }
}
