//! Spaces: a personal namespace with the owner's rights, and what the space's status says.

pub(crate) mod objects;

mod ensure;
mod remove;
mod status;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use devspace_api::names::{BASELINE_LABEL, SPACE_LABEL};
use devspace_api::{Baseline, Space};
use devspace_plan::space::{SpaceIdentity, labels};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::events::EventType;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};

use crate::context::Context;
use crate::{retries, watch};

/// Why a Space could not be brought further. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpaceError {
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

/// How long a Space waits that has no personal namespace.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What the reconciler works with.
struct Desk {
    context: Arc<Context>,
    spaces: Store<Space>,
}

/// Keeps every Space until the context's `shutdown` ends.
pub(crate) async fn run(context: Arc<Context>) {
    let api = Api::<Space>::all(context.client.clone());
    let controller = Controller::new(api, watcher::Config::default());
    let spaces = controller.store();
    let triggers = triggers(&context, &spaces);
    let desk = Arc::new(Desk {
        context: Arc::clone(&context),
        spaces,
    });
    let keep = controller
        .reconcile_on(triggers)
        .graceful_shutdown_on(context.shutdown.clone().cancelled_owned())
        .run(reconcile, on_error, desk)
        .for_each(|_| std::future::ready(()));
    tokio::join!(keep, sweep::run(&context));
}

/// What else wakes a Space than itself.
fn triggers(context: &Context, spaces: &Store<Space>) -> BoxStream<'static, ObjectRef<Space>> {
    let client = &context.client;
    let neighbours = || {
        let spaces = spaces.clone();
        move |namespace: Option<String>| {
            let all = spaces.state_filter(|space| space.namespace() == namespace);
            all.iter()
                .map(|space| ObjectRef::from_obj(space.as_ref()))
                .collect::<Vec<_>>()
        }
    };
    let (a, b) = (neighbours(), neighbours());
    let all = || watcher::Config::default();
    let ours = || watcher::Config::default().labels(SPACE_LABEL);
    let namespaces = Api::<Namespace>::all(client.clone());
    let bindings = Api::<RoleBinding>::all(client.clone());
    let quotas = Api::<ResourceQuota>::all(client.clone());
    futures::stream::select_all([
        // The chain of a space and its place below the limit depend on the others.
        watch::changes(Api::<Space>::all(client.clone()), all(), watch::spec, move |o| {
            a(o.namespace())
        }),
        watch::changes(Api::<Baseline>::all(client.clone()), all(), decided, move |o| {
            b(o.namespace())
        }),
        watch::changes(namespaces, ours(), watch::any, space_of),
        watch::changes(bindings, ours(), watch::any, space_of),
        watch::changes(quotas, ours(), watch::spec, space_of),
    ])
    .boxed()
}

/// What of a Baseline a Space depends on: the spec and the hosts, not the state of each Service.
fn decided(baseline: &Baseline) -> Option<String> {
    let hosts = baseline.status.as_ref().map(|status| &status.hosts);
    watch::spec(baseline).map(|spec| format!("{spec} {hosts:?}"))
}

/// The Space whose personal namespace an object is or lies in, by its labels.
fn space_of<K: Resource>(object: &K) -> Option<ObjectRef<Space>> {
    let labels = object.meta().labels.as_ref()?;
    Some(ObjectRef::new(labels.get(SPACE_LABEL)?).within(labels.get(BASELINE_LABEL)?))
}

async fn reconcile(space: Arc<Space>, desk: Arc<Desk>) -> Result<Action, SpaceError> {
    let identity = Identity::of(&space);
    let action = if space.meta().deletion_timestamp.is_some() {
        remove::remove(&space, &identity, &desk.context).await?
    } else {
        keep(&space, &identity, &desk).await?
    };
    desk.context.retries.succeeded(&retries::key(space.as_ref()));
    desk.context.metrics.reconciled("Space", true);
    Ok(action)
}

/// The identity of a Space as values that live longer than a borrow of it.
struct Identity {
    baseline: String,
    name: String,
    uid: String,
}

// === impl Identity ===

impl Identity {
    fn of(space: &Space) -> Self {
        Self {
            baseline: space.namespace().unwrap_or_default(),
            name: space.name_any(),
            uid: space.uid().unwrap_or_default(),
        }
    }

    fn borrow(&self) -> SpaceIdentity<'_> {
        SpaceIdentity {
            baseline: &self.baseline,
            name: &self.name,
            uid: &self.uid,
        }
    }
}

async fn keep(space: &Space, identity: &Identity, desk: &Desk) -> Result<Action, SpaceError> {
    let client = &desk.context.client;
    let api: Api<Space> = Api::namespaced(client.clone(), &identity.baseline);
    let write = |source| SpaceError::Write {
        what: "the Space's finalizer",
        source,
    };
    objects::add_finalizer(&api, space, None).await.map_err(write)?;
    let baselines: Api<Baseline> = Api::namespaced(client.clone(), &identity.baseline);
    let baselines = baselines.list(&Default::default()).await;
    let baselines = baselines.map_err(|source| SpaceError::Read {
        what: "the Baseline",
        source,
    })?;
    let seen = status::Seen {
        space,
        baseline: objects::oldest(&baselines.items),
        all: desk
            .spaces
            .state_filter(|other| other.namespace().as_deref() == Some(&identity.baseline)),
    };
    let place = match status::refusal(&seen) {
        Some(refusal) => Err(refusal),
        None => ensure::ensure(&seen, &identity.borrow(), client).await?,
    };
    // What stands in the way may be something that no watch of ours sees.
    let action = if place.is_ok() {
        Action::await_change()
    } else {
        Action::requeue(LOOK_AGAIN)
    };
    let new = status::status(&seen, &identity.borrow(), place);
    if space.status.as_ref() != Some(&new) {
        tell(space, &new, &desk.context).await;
        let write = |source| SpaceError::Write {
            what: "the Space's status",
            source,
        };
        objects::apply_status(&api, space, &new).await.map_err(write)?;
    }
    Ok(action)
}

/// An event where the reason of `Ready` changed.
async fn tell(space: &Space, new: &devspace_api::SpaceStatus, context: &Context) {
    let old = space
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    if let Some((kind, reason, note)) = objects::news(old, &new.conditions) {
        context.event(space, kind, &reason, note).await;
    }
}

// The runtime hands the shared state over by value.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller runtime names this signature"
)]
fn on_error(space: Arc<Space>, error: &SpaceError, desk: Arc<Desk>) -> Action {
    let wait = desk.context.retries.failed(&retries::key(space.as_ref()));
    desk.context.metrics.reconciled("Space", false);
    let space = space.name_any();
    tracing::warn!(
        space,
        error = crate::logging::chain(error),
        ?wait,
        "space not reconciled"
    );
    Action::requeue(wait)
}

/// Labels of what lies in a personal namespace, for the sweep's tests and the removal.
fn is_labelled(namespace: &Namespace, identity: &SpaceIdentity<'_>) -> bool {
    let found = namespace.labels();
    labels(identity)
        .iter()
        .all(|(key, value)| found.get(key) == Some(value))
}

/// The kind of an event about a condition's status.
fn kind_of(status: &str) -> EventType {
    if status == "True" {
        EventType::Normal
    } else {
        EventType::Warning
    }
}
