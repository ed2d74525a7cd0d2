//! What people are told about a Service: in the Baseline's status, and by `devspace baseline status | restore --plan`.

use devspace_api::baseline::{Interception, ServiceState};
use devspace_api::record::{Record, RecordError};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;

use devspace_api::baseline::Intercept;

use super::{
    Refusal, Shape, Step, Waiting, is_own, is_wanted, network_refusal, originals, refusal, setting_for, shape,
};

/// The state of a Service whose next step is `step`. `since` is left to the caller, who knows the state before.
#[must_use]
pub fn state(name: &str, step: &Step) -> ServiceState {
    let (state, reason, message) = match step {
        Step::Intercepted | Step::HandBack => (Interception::Intercepted, "", String::new()),
        Step::Nothing => (Interception::Plain, "", String::new()),
        Step::Refuse(refusal) => (Interception::Refused, refusal.reason(), refusal.to_string()),
        Step::Contended { manager } => {
            let setting = setting_for(manager, name);
            let message = format!("`{manager}` keeps taking it back, so it is left plain: {setting}");
            (Interception::Contended, "TakenBack", message)
        }
        Step::Wait(Waiting::Routers) => (
            Interception::Plain,
            "NoReadyRouter",
            "waits for ready routers; see the pods of Deployment devspace-proxy".to_owned(),
        ),
        Step::Wait(Waiting::Shadow) => (
            Interception::Plain,
            "ShadowNotReady",
            "waits until its shadow has the same endpoints".to_owned(),
        ),
        Step::Record(_) | Step::Adopt(_) | Step::Flip(_) | Step::Repair(_) => (
            Interception::Plain,
            "OnTheWay",
            "is being taken through the router".to_owned(),
        ),
        Step::Restore(_) | Step::Linger | Step::Forget => (
            Interception::Plain,
            "PutBack",
            "is as its owner wrote it; the record goes when no connection needs it".to_owned(),
        ),
    };
    ServiceState {
        name: name.to_owned(),
        state,
        reason: reason.to_owned(),
        message,
        since: None,
    }
}

/// What enabling a Baseline with this rule would do to each Service, sorted by name. Ours are left out.
/// Serves `devspace baseline enable --plan`.
#[must_use]
pub fn foresee(
    intercept: &Intercept,
    services: &[Service],
    pods: &[Pod],
    policies: &[NetworkPolicy],
) -> Vec<ServiceState> {
    let mut states: Vec<ServiceState> = services
        .iter()
        .filter(|service| !is_own(service))
        .map(|service| {
            let name = service.metadata.name.clone().unwrap_or_default();
            let refused = refusal(service).or_else(|| {
                let record = Record::of(service).ok().flatten();
                network_refusal(&originals(service, record.as_ref()).selector, pods, policies)
            });
            let (state, refused) = match (is_wanted(intercept, service), refused) {
                (false, _) => (Interception::Plain, None),
                (true, Some(refused)) => (Interception::Refused, Some(refused)),
                (true, None) => (Interception::Intercepted, None),
            };
            let reason = refused
                .as_ref()
                .map(Refusal::reason)
                .unwrap_or_default()
                .to_owned();
            let message = refused.map(|refused| refused.to_string()).unwrap_or_default();
            ServiceState {
                name,
                state,
                reason,
                message,
                since: None,
            }
        })
        .collect();
    states.sort_by(|a, b| a.name.cmp(&b.name));
    states
}

/// How to put one Service back with nothing of ours alive.
#[derive(Debug, Clone, PartialEq)]
pub struct Restoration {
    /// The Service's name.
    pub service: String,
    /// What its spec says.
    pub shape: Shape,
    /// The merge patch that puts it back and keeps the record. `None` where it is plain.
    pub patch: Option<serde_json::Value>,
    /// What the patch does, for people.
    pub describes: String,
}

/// How to put `service` back, or `None` where it has no record.
///
/// The caller makes the patch with [`hand_back`](super::hand_back) after it, waits until routers have no connections
/// or are gone, and then makes [`forget`](super::forget) on the Service as it is then.
///
/// # Errors
/// [`RecordError`] where the annotation cannot be read.
pub fn restoration(service: &Service) -> Result<Option<Restoration>, RecordError> {
    let Some(record) = Record::of(service)? else {
        return Ok(None);
    };
    let shape = shape(service, &record);
    let was = originals(service, Some(&record));
    let selector: Vec<String> = was
        .selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let ports: Vec<String> = was
        .ports
        .iter()
        .map(|port| {
            use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::{Int, String as Name};
            match &port.target_port {
                Some(Int(number)) => format!("{}→{number}", port.port),
                Some(Name(name)) => format!("{}→{name}", port.port),
                None => port.port.to_string(),
            }
        })
        .collect();
    let patch = match shape {
        Shape::Plain => None,
        Shape::Flipped | Shape::Mixed => Some(super::restore(service, &record, &record)?),
    };
    let describes = match shape {
        Shape::Plain => "plain already; its record is removed".to_owned(),
        Shape::Flipped | Shape::Mixed => {
            format!("selector {}; ports {}", selector.join(","), ports.join(", "))
        }
    };
    Ok(Some(Restoration {
        service: service.metadata.name.clone().unwrap_or_default(),
        shape,
        patch,
        describes,
    }))
}
