//! Copies: the fork of a baseline's workload in a personal namespace.
//!
//! A reconcile has two halves. The first derives the objects and applies them; it reads much and is done only when
//! something that it read has changed, or from time to time. The second tells where the copy stands; it reads only what
//! watches keep, so that a change of the pod is in the status at once.

mod make;
mod memory;
mod observe;
mod pod;
mod remove;
mod routed;
mod router;
mod status;

use std::sync::Arc;

use devspace_api::names::{BASELINE_LABEL, COPY_LABEL, SPACE_LABEL};
use devspace_api::{Baseline, ServiceCopy};
use devspace_plan::copy::Resolver;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};

use self::memory::Memory;
use self::routed::Routing;
use crate::context::Context;
use crate::retries;
use crate::space::objects;
use crate::watch;

/// Where the kubelet writes a container's resolver settings.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Why a copy could not be brought further. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// Something could not be read.
    #[error("read {what}")]
    Read {
        /// What it was.
        what: &'static str,
        #[source]
        source: kube::Error,
    },
    /// Something could not be written.
    #[error("write {what}")]
    Write {
        /// What it was.
        what: &'static str,
        #[source]
        source: kube::Error,
    },
    /// Something could not be deleted.
    #[error("delete {what}")]
    Delete {
        /// What it was.
        what: &'static str,
        #[source]
        source: kube::Error,
    },
}

/// What the reconciler works with.
struct Desk {
    context: Arc<Context>,
    /// The controller's own resolver settings.
    resolver: Resolver,
    pods: Store<Pod>,
    deployments: Store<Deployment>,
    memory: Arc<Memory>,
    routing: Routing,
}

/// Keeps every ServiceCopy until the context's `shutdown` ends.
pub(crate) async fn run(context: Arc<Context>) {
    let client = context.client.clone();
    let controller = Controller::new(
        Api::<ServiceCopy>::all(client.clone()),
        watcher::Config::default(),
    );
    let memory = Arc::new(Memory::default());
    let (routing, answers) = Routing::new(client.clone());
    let of_copies = || watcher::Config::default().labels(COPY_LABEL);
    let (pods, pod_changes) = watch::kept(Api::<Pod>::all(client.clone()), of_copies(), copy_of);
    let (deployments, deployment_changes) =
        watch::kept(Api::<Deployment>::all(client.clone()), of_copies(), copy_of);
    let triggers = futures::stream::select_all([
        pod_changes,
        deployment_changes,
        answers.boxed(),
        own_changes(&context, &memory),
        baseline_changes(&context, &memory, &controller.store()),
    ]);
    let desk = Desk {
        context: Arc::clone(&context),
        resolver: own_resolver().await,
        pods,
        deployments,
        memory,
        routing,
    };
    controller
        .reconcile_on(triggers)
        .graceful_shutdown_on(context.shutdown.clone().cancelled_owned())
        .run(reconcile, on_error, Arc::new(desk))
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn own_resolver() -> Resolver {
    match tokio::fs::read_to_string(RESOLV_CONF).await {
        Ok(text) => Resolver::parse(&text),
        Err(error) => {
            tracing::warn!(path = RESOLV_CONF, %error, "resolver settings not read");
            Resolver::default()
        }
    }
}

/// The ServiceCopy that an object of ours belongs to, by its labels.
fn copy_of<K: Resource>(object: &K) -> Option<ObjectRef<ServiceCopy>> {
    let name = object.meta().labels.as_ref()?.get(COPY_LABEL)?;
    Some(ObjectRef::new(name).within(object.meta().namespace.as_ref()?))
}

type Triggers = futures::stream::BoxStream<'static, ObjectRef<ServiceCopy>>;

/// Objects that we made: what somebody changed is put back. Mirrored Secrets are not among them: watching them would
/// need the right to list every Secret, so they are looked at from time to time.
fn own_changes(context: &Context, memory: &Arc<Memory>) -> Triggers {
    let client = &context.client;
    let ours = || watcher::Config::default().labels(COPY_LABEL);
    let forget = || {
        let memory = Arc::clone(memory);
        move |copy: Option<ObjectRef<ServiceCopy>>| copy.inspect(|copy| memory.outdate(copy))
    };
    let (a, b, c, d) = (forget(), forget(), forget(), forget());
    let all = [
        watch::changes(
            Api::<Deployment>::all(client.clone()),
            ours(),
            watch::spec,
            move |o| a(copy_of(o)),
        ),
        watch::changes(
            Api::<Service>::all(client.clone()),
            ours(),
            watch::any,
            move |o| b(copy_of(o)),
        ),
        watch::changes(
            Api::<ServiceAccount>::all(client.clone()),
            ours(),
            watch::any,
            move |o| c(copy_of(o)),
        ),
        watch::changes(
            Api::<ConfigMap>::all(client.clone()),
            ours(),
            watch::any,
            move |o| d(copy_of(o)),
        ),
    ];
    futures::stream::select_all(all).boxed()
}

/// Objects of baselines that copies are derived from. ConfigMaps and Secrets are looked at from time to time as well.
fn baseline_changes(context: &Context, memory: &Arc<Memory>, copies: &Store<ServiceCopy>) -> Triggers {
    let client = &context.client;
    let theirs = || watcher::Config::default().labels(&format!("!{SPACE_LABEL}"));
    let outdate = || {
        let (memory, copies) = (Arc::clone(memory), copies.clone());
        move |baseline: Option<String>| {
            let of_baseline = |copy: &ServiceCopy| copy.labels().get(BASELINE_LABEL) == baseline.as_ref();
            let touched = copies.state_filter(of_baseline);
            let refs = touched
                .iter()
                .map(|copy| ObjectRef::from_obj(copy.as_ref()))
                .collect::<Vec<_>>();
            refs.iter().for_each(|copy| memory.outdate(copy));
            refs
        }
    };
    let (a, b, c, d) = (outdate(), outdate(), outdate(), outdate());
    let all = [
        watch::changes(
            Api::<Deployment>::all(client.clone()),
            theirs(),
            watch::spec,
            move |o| a(o.namespace()),
        ),
        watch::changes(
            Api::<StatefulSet>::all(client.clone()),
            theirs(),
            watch::spec,
            move |o| b(o.namespace()),
        ),
        watch::changes(
            Api::<Service>::all(client.clone()),
            theirs(),
            watch::any,
            move |o| c(o.namespace()),
        ),
        watch::changes(
            Api::<Baseline>::all(client.clone()),
            watcher::Config::default(),
            watch::spec,
            move |o| d(o.namespace()),
        ),
    ];
    futures::stream::select_all(all).boxed()
}

async fn reconcile(copy: Arc<ServiceCopy>, desk: Arc<Desk>) -> Result<Action, CopyError> {
    let key = ObjectRef::from_obj(copy.as_ref());
    let action = if copy.meta().deletion_timestamp.is_some() {
        remove::remove(&copy, &desk).await?
    } else {
        keep(&copy, &key, &desk).await?
    };
    desk.context.retries.succeeded(&retries::key(copy.as_ref()));
    desk.context.metrics.reconciled("ServiceCopy", true);
    Ok(action)
}

async fn keep(copy: &ServiceCopy, key: &ObjectRef<ServiceCopy>, desk: &Desk) -> Result<Action, CopyError> {
    let ask = memory::Ask::of(copy);
    let (made, left) = match desk.memory.current(key, &ask) {
        Some(current) => current,
        None => {
            let epoch = desk.memory.epoch(key);
            let made = make::make(copy, desk).await?;
            desk.memory.store(key, ask, epoch, made)
        }
    };
    let pods = desk.pods.state_filter(|pod| copy_of(pod).as_ref() == Some(key));
    let deployment = desk
        .deployments
        .find(|deployment| copy_of(deployment).as_ref() == Some(key));
    let mut seen = status::Seen {
        copy,
        made: &made,
        pod: pod::current(&pods),
        deployment: deployment.as_deref(),
        routed: None,
    };
    seen.routed = Some(desk.routing.look(key, &seen.target()));
    let new = status::status(&seen);
    if copy.status.as_ref() != Some(&new) {
        let api: Api<ServiceCopy> = Api::namespaced(
            desk.context.client.clone(),
            &key.namespace.clone().unwrap_or_default(),
        );
        let written = objects::apply_status(&api, copy, &new).await;
        written.map_err(|source| CopyError::Write {
            what: "the ServiceCopy's status",
            source,
        })?;
        tell(copy, &new, &desk.context).await;
    }
    Ok(Action::requeue(left))
}

/// An event where the reason of `Ready` changed.
async fn tell(copy: &ServiceCopy, new: &devspace_api::ServiceCopyStatus, context: &Context) {
    let old = copy
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    if let Some((kind, reason, note)) = objects::news(old, &new.conditions) {
        context.event(copy, kind, &reason, note).await;
    }
}

// The runtime hands the shared state over by value.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller runtime names this signature"
)]
fn on_error(copy: Arc<ServiceCopy>, error: &CopyError, desk: Arc<Desk>) -> Action {
    let wait = desk.context.retries.failed(&retries::key(copy.as_ref()));
    desk.context.metrics.reconciled("ServiceCopy", false);
    let (namespace, name) = (copy.namespace().unwrap_or_default(), copy.name_any());
    tracing::warn!(
        namespace,
        copy = name,
        error = crate::logging::chain(error),
        ?wait,
        "copy not reconciled"
    );
    Action::requeue(wait)
}
