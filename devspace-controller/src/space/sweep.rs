//! Removes personal namespaces that have no Space: what a finalizer missed, for whatever reason.

use std::collections::BTreeSet;
use std::time::Duration;

use devspace_api::Space;
use devspace_api::names::{BASELINE_LABEL, MANAGED_BY, MANAGER, SPACE_LABEL, SPACE_UID_ANNOTATION};
use devspace_plan::space::SpaceIdentity;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt};
use tokio::time::MissedTickBehavior;

use super::{SpaceError, is_labelled, objects};
use crate::context::Context;

/// How often it looks. The first look is at the start.
const PERIOD: Duration = Duration::from_secs(60);

/// Sweeps until the context's `shutdown` ends.
pub(super) async fn run(context: &Context) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep(&context.client).await {
            tracing::warn!(error = crate::logging::chain(&error), "sweep not finished");
        }
    }
}

async fn sweep(client: &Client) -> Result<(), SpaceError> {
    // Namespaces before Spaces: a namespace is made after its Space, so none is seen without it.
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = namespaces.list(&ListParams::default().labels(SPACE_LABEL)).await;
    let found = found
        .map_err(|source| SpaceError::Read {
            what: "personal namespaces",
            source,
        })?
        .items;
    if found.is_empty() {
        return Ok(());
    }
    let spaces = Api::<Space>::all(client.clone())
        .list(&ListParams::default())
        .await;
    let spaces = spaces
        .map_err(|source| SpaceError::Read {
            what: "Spaces",
            source,
        })?
        .items;
    let living: BTreeSet<String> = spaces.iter().filter_map(ResourceExt::uid).collect();
    for namespace in found.iter().filter(|namespace| is_left_over(namespace, &living)) {
        let name = namespace.name_any();
        tracing::info!(namespace = name, "namespace without a Space deleted");
        let deleted = objects::delete(&namespaces, &name, namespace.uid()).await;
        deleted.map_err(|source| SpaceError::Delete {
            what: "a namespace without a Space",
            source,
        })?;
    }
    Ok(())
}

/// Whether `namespace` was made by us for a Space that is none of the `living`.
/// A namespace that only looks like ours in one thing is left alone.
fn is_left_over(namespace: &Namespace, living: &BTreeSet<String>) -> bool {
    let label = |key: &str| namespace.labels().get(key).map(String::as_str);
    let (Some(baseline), Some(space)) = (label(BASELINE_LABEL), label(SPACE_LABEL)) else {
        return false;
    };
    let Some(uid) = namespace.annotations().get(SPACE_UID_ANNOTATION) else {
        return false;
    };
    let identity = SpaceIdentity {
        baseline,
        name: space,
        uid,
    };
    let ours = label(MANAGED_BY) == Some(MANAGER) && is_labelled(namespace, &identity);
    ours && !living.contains(uid) && namespace.meta().deletion_timestamp.is_none()
}

#[cfg(test)]
mod tests {
    use devspace_api::baseline::SpaceLimits;
    use devspace_api::space::SpaceSpec;
    use devspace_plan::space::namespace;

    use super::*;

    const RED: SpaceIdentity<'_> = SpaceIdentity {
        baseline: "shop",
        name: "red",
        uid: "u-1",
    };

    #[test]
    fn only_a_namespace_of_ours_without_a_living_space_is_left_over() {
        let made = namespace(&RED, &SpaceSpec::default(), &SpaceLimits::default());
        assert!(is_left_over(&made, &BTreeSet::new()));
        // A new Space of the same name is another one.
        assert!(is_left_over(&made, &["u-2".to_owned()].into()));
        assert!(!is_left_over(&made, &["u-1".to_owned()].into()));
        let mut foreign = made.clone();
        foreign.metadata.annotations = None;
        assert!(!is_left_over(&foreign, &BTreeSet::new()));
        let mut copied = made;
        copied
            .metadata
            .labels
            .as_mut()
            .unwrap()
            .insert(MANAGED_BY.into(), "Helm".into());
        assert!(!is_left_over(&copied, &BTreeSet::new()));
    }
}
