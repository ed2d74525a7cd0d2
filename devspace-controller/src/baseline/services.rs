//! Makes the steps of the team's Services.

use std::collections::BTreeSet;

use devspace_api::baseline::Intercept;
use devspace_api::names::{MANAGED_BY, MANAGER};
use devspace_api::record::{Record, RecordError};
use devspace_plan::interception::{
    self as plan, Asker, Observed, Routers, Shape, Step, is_wanted, last_writer, shadow, shadow_is_current,
    shadow_name,
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use kube::api::Patch;
use kube::runtime::events::EventType;
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::Shared;
use super::observe::Observation;
use crate::cluster::{RequestError, apply, as_manager, code, delete};

/// Steps of one Service in one reconcile. The longest honest way is repair, adopt, flip.
const STEPS: usize = 5;
/// How often the hand-back is tried against other writers.
const HAND_BACK_TRIES: usize = 5;

/// Why a Service's step was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The record does not serialise.
    #[error("write the record of Service {service}")]
    Record {
        /// The Service.
        service: String,
        /// Why.
        #[source]
        source: RecordError,
    },
}

/// What all Services of a reconcile have in common.
pub(super) struct Frame<'a> {
    /// The controller's own.
    pub(super) shared: &'a Shared,
    /// The baseline's namespace.
    pub(super) namespace: &'a str,
    /// Which Services are asked for. `None` while the Baseline is being removed.
    pub(super) intercept: Option<&'a Intercept>,
    /// UID of the Baseline.
    pub(super) baseline: &'a str,
    /// The routers.
    pub(super) routers: &'a Routers,
    /// The present.
    pub(super) now: Timestamp,
}

/// Makes what steps can be made and says for each Service which step is next. `seen.services` are brought up to date.
pub(super) async fn advance(
    frame: &Frame<'_>,
    seen: &mut Observation,
) -> Result<Vec<(String, Step)>, StepError> {
    let api: Api<Service> = Api::namespaced(frame.shared.context.client.clone(), frame.namespace);
    let mut taken = seen.taken();
    let mut next = Vec::with_capacity(seen.services.len());
    for index in 0..seen.services.len() {
        let Some(service) = seen.services.get(index).cloned() else {
            continue;
        };
        let name = service.name_any();
        let (service, step) = advance_one(frame, &api, seen, service, &mut taken).await?;
        if let Some(slot) = seen.services.get_mut(index) {
            *slot = service;
        }
        next.push((name, step));
    }
    Ok(next)
}

async fn advance_one(
    frame: &Frame<'_>,
    api: &Api<Service>,
    seen: &Observation,
    mut service: Service,
    taken: &mut BTreeSet<u16>,
) -> Result<(Service, Step), StepError> {
    let name = service.name_any();
    let uid = service.uid().unwrap_or_default();
    let now = frame.now.to_string();
    let mut step = Step::Nothing;
    for _ in 0..STEPS {
        notice_revert(frame, &service, &uid);
        let contender = frame.shared.memory.contender(&uid, frame.now);
        let refusal = seen.refusal(&service);
        step = plan::plan(&Observed {
            service: &service,
            wanted: frame
                .intercept
                .is_some_and(|intercept| is_wanted(intercept, &service)),
            refusal: refusal.as_ref(),
            shadow: seen.shadows.get(&name),
            same_endpoints: seen.same_endpoints(&name),
            routers: frame.routers,
            contender: contender.as_deref(),
            taken,
            asker: Asker {
                baseline: frame.baseline,
                now: &now,
            },
        });
        let Some(after) = make(frame, api, &service, &step).await? else {
            break;
        };
        tracing::info!(
            namespace = frame.namespace,
            service = name,
            step = word(&step),
            "interception step made"
        );
        if let Step::Record(record) | Step::Adopt(record) | Step::Repair(record) = &step {
            taken.extend(record.ports.iter().map(|port| port.listener));
        }
        service = after;
    }
    Ok((service, step))
}

/// A Service that was flipped and is not any more was taken back by somebody else.
fn notice_revert(frame: &Frame<'_>, service: &Service, uid: &str) {
    let flipped = Record::of(service)
        .ok()
        .flatten()
        .is_some_and(|r| plan::shape(service, &r) == Shape::Flipped);
    if !flipped {
        frame.shared.memory.reverted(uid, last_writer(service), frame.now);
    }
}

/// Makes a step. `None` where it changes nothing, or another writer was faster: the next reconcile looks again.
async fn make(
    frame: &Frame<'_>,
    api: &Api<Service>,
    service: &Service,
    step: &Step,
) -> Result<Option<Service>, StepError> {
    let written = |body: Result<Value, RecordError>| {
        body.map_err(|source| StepError::Record {
            service: service.name_any(),
            source,
        })
    };
    let body = match step {
        Step::Nothing
        | Step::Intercepted
        | Step::Refuse(_)
        | Step::Contended { .. }
        | Step::Wait(_)
        | Step::Linger => return Ok(None),
        Step::HandBack => return Ok(hand_back(api, None, service.clone()).await?),
        Step::Record(record) | Step::Adopt(record) => written(plan::record(service, record))?,
        Step::Flip(record) => plan::flip(service, record),
        Step::Repair(record) | Step::Restore(record) => {
            let was = Record::of(service)
                .ok()
                .flatten()
                .unwrap_or_else(|| record.clone());
            written(plan::restore(service, &was, record))?
        }
        Step::Forget => plan::forget(service),
    };
    let Some(after) = change(api, service, &body).await? else {
        return Ok(None);
    };
    note(frame, service, step).await;
    Ok(Some(after))
}

/// Makes one patch of a team's Service and gives back what it took from the owners of its fields.
async fn change(api: &Api<Service>, before: &Service, body: &Value) -> Result<Option<Service>, RequestError> {
    let name = before.name_any();
    let after = match api.patch(&name, &as_manager(), &Patch::Merge(body)).await {
        Ok(after) => after,
        Err(error) if matches!(code(&error), Some(404 | 409)) => return Ok(None),
        Err(source) => return Err(RequestError::new("patch", format!("Service {name}"), source)),
    };
    hand_back(api, Some(before), after).await
}

/// The second patch. Another write in between is no reason to give up: the fields are still ours and still to be given back.
async fn hand_back(
    api: &Api<Service>,
    before: Option<&Service>,
    mut current: Service,
) -> Result<Option<Service>, RequestError> {
    let name = current.name_any();
    for _ in 0..HAND_BACK_TRIES {
        let Some(body) = plan::hand_back(before, &current) else {
            return Ok(Some(current));
        };
        match api.patch(&name, &as_manager(), &Patch::Merge(&body)).await {
            Ok(after) => return Ok(Some(after)),
            Err(error) if code(&error) == Some(409) => match api.get_opt(&name).await {
                Ok(Some(newer)) => current = newer,
                Ok(None) => return Ok(None),
                Err(source) => return Err(RequestError::new("get", format!("Service {name}"), source)),
            },
            Err(error) if code(&error) == Some(404) => return Ok(None),
            Err(source) => {
                return Err(RequestError::new(
                    "patch owners of",
                    format!("Service {name}"),
                    source,
                ));
            }
        }
    }
    Ok(None)
}

/// Remembers and tells what a step did.
async fn note(frame: &Frame<'_>, service: &Service, step: &Step) {
    let uid = service.uid().unwrap_or_default();
    let (reason, text) = match step {
        Step::Flip(_) => {
            frame.shared.memory.flipped(&uid, frame.now);
            ("Intercepted", "its traffic passes the router")
        }
        Step::Repair(_) => (
            "Repaired",
            "another writer left a mix of its own and the router's values; it was put back plain",
        ),
        Step::Restore(_) => {
            frame.shared.memory.put_back(&uid);
            ("PutBack", "its traffic goes to the baseline's pods")
        }
        _ => return,
    };
    frame
        .shared
        .context
        .event(service, EventType::Normal, reason, text.to_owned())
        .await;
}

fn word(step: &Step) -> &'static str {
    match step {
        Step::Record(_) => "record",
        Step::Adopt(_) => "adopt",
        Step::Repair(_) => "repair",
        Step::Flip(_) => "flip",
        Step::HandBack => "hand back",
        Step::Restore(_) => "restore",
        Step::Forget => "forget",
        Step::Nothing
        | Step::Intercepted
        | Step::Refuse(_)
        | Step::Contended { .. }
        | Step::Wait(_)
        | Step::Linger => "none",
    }
}

/// Keeps a shadow for each recorded Service and for no other.
pub(super) async fn keep_shadows(frame: &Frame<'_>, seen: &Observation) -> Result<(), RequestError> {
    let api: Api<Service> = Api::namespaced(frame.shared.context.client.clone(), frame.namespace);
    let records = seen.records();
    for service in &seen.services {
        let name = service.name_any();
        let Some(wanted) = records.get(&name).and_then(|record| shadow(service, record)) else {
            continue;
        };
        if !seen
            .shadows
            .get(&name)
            .is_some_and(|live| shadow_is_current(live, &wanted))
        {
            apply(&api, &wanted).await?;
        }
    }
    for (of, live) in seen.shadows.iter().filter(|(of, _)| !records.contains_key(*of)) {
        let ours = live.labels().get(MANAGED_BY).is_some_and(|by| by == MANAGER)
            && live.name_any() == shadow_name(of);
        // A shadow may be all that is left to say what a flipped Service was.
        let needed = seen
            .services
            .iter()
            .any(|service| service.name_any() == *of && is_flipped(service));
        if ours && !needed {
            delete(&api, &live.name_any()).await?;
        }
    }
    Ok(())
}

fn is_flipped(service: &Service) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        selector
            .values()
            .any(|value| value == devspace_api::names::ROUTER_SELECTOR_VALUE)
    })
}

#[cfg(test)]
mod tests;
