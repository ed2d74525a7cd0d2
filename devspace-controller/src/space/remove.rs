//! Removal of a space: its namespace first, then the finalizer.

use std::time::Duration;

use devspace_api::Space;
use devspace_plan::space::{belongs_to, namespace_name};
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};

use super::{Identity, SpaceError, objects};
use crate::context::Context;

/// The namespace's end wakes the Space; this is for an event that got lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Deletes the personal namespace, and lets the Space go once it is gone.
pub(super) async fn remove(
    space: &Space,
    identity: &Identity,
    context: &Context,
) -> Result<Action, SpaceError> {
    let api: Api<Namespace> = Api::all(context.client.clone());
    let name = namespace_name(&identity.baseline, &identity.name);
    let found = api.get_opt(&name).await;
    let found = found.map_err(|source| SpaceError::Read {
        what: "the personal namespace",
        source,
    })?;
    // One that is not of this Space is left alone.
    let ours = found.filter(|namespace| belongs_to(namespace, &identity.borrow()));
    if let Some(namespace) = ours {
        if namespace.meta().deletion_timestamp.is_none() {
            let deleted = objects::delete(&api, &name, namespace.uid()).await;
            deleted.map_err(|source| SpaceError::Delete {
                what: "the personal namespace",
                source,
            })?;
            tracing::info!(
                space = identity.name,
                namespace = name,
                "personal namespace deleted"
            );
        }
        return Ok(Action::requeue(LOOK_AGAIN));
    }
    let spaces: Api<Space> = Api::namespaced(context.client.clone(), &identity.baseline);
    let dropped = objects::drop_finalizer(&spaces, space).await;
    dropped.map_err(|source| SpaceError::Write {
        what: "the Space's finalizer",
        source,
    })?;
    Ok(Action::await_change())
}
