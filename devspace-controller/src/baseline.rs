//! Baselines: observe, plan, apply, status.
//!
//! Level-triggered: each reconcile looks at everything and makes what steps can be made. Watches only say when to look.

mod discovery;
mod memory;
mod observe;
mod reconcile;
mod remove;
mod routers;
mod services;
mod status;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use devspace_api::Baseline;
use devspace_api::names::ROUTER_LABEL;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, watcher};
use kube::{Api, Resource, ResourceExt};

use crate::context::Context;
use crate::{retries, watch};

pub(crate) use memory::Memory;
pub(crate) use remove::{Removal, remove};
pub(crate) use sweep::namespaces_of_ours;

/// A Baseline as it comes from the API server, well-formed or not.
type Guarded = DeserializeGuard<Baseline>;

/// What a reconcile of Baselines shares.
pub(crate) struct Shared {
    context: Arc<Context>,
    memory: Memory,
}

/// Keeps every Baseline until the context's `shutdown` ends.
pub(crate) async fn run(context: Arc<Context>) {
    let shared = Arc::new(Shared {
        context: Arc::clone(&context),
        memory: Memory::default(),
    });
    let controller = controller(&context).run(
        reconcile::reconcile,
        |baseline, error, shared| error_policy(&baseline, error, &shared),
        Arc::clone(&shared),
    );
    let reconciles = controller.for_each(|outcome| async move {
        if let Err(error) = outcome {
            // The reconcile's own errors are logged by the policy; this tells of watches.
            tracing::debug!(error = crate::logging::chain(&error), "baseline not reconciled");
        }
    });
    // Both end with the context's `shutdown`.
    futures::future::join(reconciles, sweep::run(&shared)).await;
}

/// The controller of Baselines. Each kind of object that wakes one has a watch with a backoff of its own: watches that
/// are added by `Controller::watches` share one, and when all break at once, as with an API server that restarts, their
/// errors add up to minutes in which no watch is read.
fn controller(context: &Context) -> Controller<Guarded> {
    let client = || context.client.clone();
    let everything = watcher::Config::default;
    let ours = || watcher::Config::default().labels(&format!("{ROUTER_LABEL}=true"));
    let controller = Controller::new(Api::<Guarded>::all(client()), everything());
    let store = controller.store();
    let baselines = || {
        let store = store.clone();
        move |namespace: Option<String>| in_namespace(&store, namespace.as_deref())
    };
    let (of_service, of_slice, of_deployment) = (baselines(), baselines(), baselines());
    let (of_pod, of_ingress, of_policy) = (baselines(), baselines(), baselines());
    let triggers = futures::stream::select_all([
        watch::changes(
            Api::<Service>::all(client()),
            everything(),
            watch::any,
            move |o| of_service(o.namespace()),
        ),
        watch::changes(
            Api::<EndpointSlice>::all(client()),
            everything(),
            watch::any,
            move |o| of_slice(o.namespace()),
        ),
        watch::changes(Api::<Deployment>::all(client()), ours(), watch::any, move |o| {
            of_deployment(o.namespace())
        }),
        watch::changes(Api::<Pod>::all(client()), ours(), watch::any, move |o| {
            of_pod(o.namespace())
        }),
        watch::changes(
            Api::<Ingress>::all(client()),
            everything(),
            watch::any,
            move |o| of_ingress(o.namespace()),
        ),
        watch::changes(
            Api::<NetworkPolicy>::all(client()),
            everything(),
            watch::any,
            move |o| of_policy(o.namespace()),
        ),
    ]);
    controller
        .reconcile_on(triggers)
        .graceful_shutdown_on(context.shutdown.clone().cancelled_owned())
}

fn in_namespace(store: &Store<Guarded>, namespace: Option<&str>) -> Vec<ObjectRef<Guarded>> {
    let all = store
        .state()
        .into_iter()
        .filter(|baseline| baseline.meta().namespace.as_deref() == namespace);
    all.map(|baseline| ObjectRef::from_obj(baseline.as_ref()))
        .collect()
}

fn error_policy(baseline: &Guarded, error: &reconcile::ReconcileError, shared: &Shared) -> Action {
    let wait: Duration = shared.context.retries.failed(&retries::key(baseline));
    shared.context.metrics.reconciled("Baseline", false);
    tracing::warn!(
        namespace = baseline.namespace(),
        baseline = baseline.name_any(),
        error = crate::logging::chain(error),
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        "baseline not reconciled"
    );
    Action::requeue(wait)
}
