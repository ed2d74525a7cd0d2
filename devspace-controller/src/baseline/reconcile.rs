//! One look at a Baseline.

use std::sync::Arc;
use std::time::Duration;

use devspace_api::baseline::{Baseline, BaselineStatus};
use devspace_api::condition::kind;
use devspace_api::names::{Discovery, FINALIZER};
use devspace_plan::interception::{Routers, Step};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::observe::observe;
use super::services::{Frame, StepError, advance, keep_shadows};
use super::status::{self, Verdict};
use super::{Guarded, Removal, Shared, discovery, remove, routers};
use crate::cluster::{RequestError, as_manager, code, list};
use crate::retries;

/// A look without any event, in case one was lost.
const AGAIN: Duration = Duration::from_secs(300);
/// How soon to look again while something settles that sends no event.
const SOON: Duration = Duration::from_secs(1);

/// Why a reconcile did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A Service's step was not made.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Brings a Baseline nearer to what it asks for.
pub(super) async fn reconcile(guarded: Arc<Guarded>, shared: Arc<Shared>) -> Result<Action, ReconcileError> {
    let namespace = guarded.namespace().unwrap_or_default();
    let action = match &guarded.0 {
        Err(invalid) => refuse(&shared, guarded.as_ref(), "Invalid", invalid.error.clone()).await?,
        Ok(baseline) if baseline.metadata.deletion_timestamp.is_some() => end(&shared, baseline).await?,
        Ok(baseline) => match older(&shared, baseline).await? {
            Some(older) => {
                let message =
                    format!("namespace {namespace} has the Baseline {older} already; delete one of them");
                refuse(&shared, guarded.as_ref(), "AnotherBaseline", message).await?
            }
            None => keep(&shared, baseline).await?,
        },
    };
    shared.context.retries.succeeded(&retries::key(guarded.as_ref()));
    shared.context.metrics.reconciled("Baseline", true);
    Ok(action)
}

/// The name of the namespace's older Baseline, if there is one. The oldest counts.
async fn older(shared: &Shared, baseline: &Baseline) -> Result<Option<String>, RequestError> {
    let namespace = baseline.namespace().unwrap_or_default();
    let all: Vec<DeserializeGuard<Baseline>> = list(&shared.context.client, &namespace, None).await?;
    let age = |meta: &kube::api::ObjectMeta| {
        (
            meta.creation_timestamp.as_ref().map(|time| time.0),
            meta.name.clone(),
        )
    };
    let own = age(baseline.meta());
    let older = all
        .iter()
        .filter(|other| age(other.meta()) < own)
        .min_by_key(|other| age(other.meta()));
    Ok(older.map(ResourceExt::name_any))
}

/// Says in status why nothing is done.
async fn refuse(
    shared: &Shared,
    baseline: &Guarded,
    reason: &'static str,
    message: String,
) -> Result<Action, RequestError> {
    let old = baseline
        .0
        .as_ref()
        .ok()
        .and_then(|baseline| baseline.status.clone())
        .unwrap_or_default();
    let generation = baseline.meta().generation;
    let verdict = Verdict {
        kind: kind::READY,
        holds: false,
        reason,
        message,
    };
    let condition = status::condition(verdict, &old.conditions, generation, Timestamp::now());
    let new = BaselineStatus {
        observed_generation: generation,
        conditions: vec![condition],
        ..BaselineStatus::default()
    };
    write_status(shared, baseline.meta(), &old, &new).await?;
    // A look at the older one's end comes by no event of this object.
    Ok(Action::requeue(Duration::from_secs(15)))
}

async fn keep(shared: &Shared, baseline: &Baseline) -> Result<Action, ReconcileError> {
    let namespace = baseline.namespace().unwrap_or_default();
    let uid = baseline.uid().unwrap_or_default();
    hold(shared, baseline).await?;
    let mut seen = Box::pin(observe(&shared.context.client, &namespace)).await?;
    let now = Timestamp::now();
    let ready = routers::routers(&seen);
    let alone = shared.memory.without_router(&namespace, !ready.ready.is_empty());
    let patience = shared.context.settings.restore_after();
    let ready = Routers {
        lost: alone >= patience,
        ..ready
    };
    let intercept = Some(&baseline.spec.intercept);
    let frame = Frame {
        shared,
        namespace: &namespace,
        intercept,
        baseline: &uid,
        routers: &ready,
        now,
    };
    let next = advance(&frame, &mut seen).await?;
    keep_shadows(&frame, &seen).await?;
    routers::keep(&shared.context, baseline, &seen).await?;
    let hosts = status::hosts(baseline, &seen);
    discovery::publish(&shared.context.client, &namespace, &Discovery { hosts }).await?;
    let new = status::status(baseline, &seen, &ready, &next, now);
    let old = baseline.status.clone().unwrap_or_default();
    write_status(shared, baseline.meta(), &old, &new).await?;
    let unsettled = next.iter().any(|(_, step)| !is_settled(step));
    Ok(match (ready.ready.is_empty(), unsettled) {
        (true, _) => Action::requeue(patience.saturating_sub(alone).max(SOON)),
        (false, true) => Action::requeue(SOON),
        (false, false) => Action::requeue(AGAIN),
    })
}

/// Whether nothing is to be done before an event comes. What waits for routers or shadows gets events.
fn is_settled(step: &Step) -> bool {
    matches!(
        step,
        Step::Nothing | Step::Intercepted | Step::Refuse(_) | Step::Wait(_)
    )
}

/// Puts our finalizer on, before anything is done that an end would have to undo.
async fn hold(shared: &Shared, baseline: &Baseline) -> Result<(), RequestError> {
    if baseline
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        return Ok(());
    }
    let mut finalizers = baseline.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    write_finalizers(shared, baseline, &finalizers).await
}

async fn write_finalizers(shared: &Shared, baseline: &Baseline, all: &[String]) -> Result<(), RequestError> {
    let api: Api<Baseline> = Api::namespaced(
        shared.context.client.clone(),
        &baseline.namespace().unwrap_or_default(),
    );
    let body = json!({ "metadata": { "resourceVersion": baseline.resource_version(), "finalizers": all } });
    match api
        .patch_metadata(&baseline.name_any(), &as_manager(), &Patch::Merge(&body))
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(source) => Err(RequestError::new(
            "patch finalizers of",
            baseline.name_any(),
            source,
        )),
    }
}

/// The Baseline is being deleted.
async fn end(shared: &Shared, baseline: &Baseline) -> Result<Action, ReconcileError> {
    let namespace = baseline.namespace().unwrap_or_default();
    if !baseline
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
    {
        return Ok(Action::await_change());
    }
    let removal = remove(shared, &namespace, &baseline.uid().unwrap_or_default()).await?;
    if removal != Removal::Done {
        return Ok(Action::requeue(SOON));
    }
    let left: Vec<String> = baseline
        .finalizers()
        .iter()
        .filter(|name| *name != FINALIZER)
        .cloned()
        .collect();
    write_finalizers(shared, baseline, &left).await?;
    tracing::info!(namespace, "baseline removed");
    Ok(Action::await_change())
}

/// Writes the status where it changed.
async fn write_status(
    shared: &Shared,
    meta: &kube::api::ObjectMeta,
    old: &BaselineStatus,
    new: &BaselineStatus,
) -> Result<(), RequestError> {
    if old == new {
        return Ok(());
    }
    let name = meta.name.clone().unwrap_or_default();
    let namespace = meta.namespace.clone().unwrap_or_default();
    let api: Api<Baseline> = Api::namespaced(shared.context.client.clone(), &namespace);
    // A merge patch: lists are replaced whole, and the spec's writers are not touched.
    let body = json!({ "status": new });
    match api
        .patch_status(&name, &PatchParams::default(), &Patch::Merge(&body))
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(source) => Err(RequestError::new(
            "write status of",
            format!("Baseline {name}"),
            source,
        )),
    }
}
