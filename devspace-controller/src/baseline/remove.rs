//! Takes a baseline out of our hands: every Service first, the router after, the rest last.

use devspace_api::names::{GATEWAY_SERVICE, ROUTER_NAME};
use devspace_api::record::Record;
use devspace_plan::interception::{Shape, Step, shape};
use devspace_plan::router::cluster_binding_name;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{Api, ResourceExt};

use super::observe::{Observation, observe};
use super::routers::routers;
use super::services::{Frame, StepError, advance, keep_shadows};
use super::{Shared, discovery};
use crate::cluster::delete;
use crate::context::Context;

/// How far a removal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing of ours is left in the namespace.
    Done,
    /// Services are put back, and their endpoints are not everywhere yet.
    Restoring,
    /// Services are put back, and the routers finish what they have.
    Draining,
}

/// Takes the namespace's baseline out of our hands, as far as that goes now. To be called again until it is done.
///
/// The records stay until the routers are gone, so that a router knows what its last connections are for.
pub(crate) async fn remove(shared: &Shared, namespace: &str, baseline: &str) -> Result<Removal, StepError> {
    let context = &shared.context;
    let mut seen = Box::pin(observe(&context.client, namespace)).await?;
    let routers = devspace_plan::interception::Routers {
        leaving: true,
        ..routers(&seen)
    };
    let frame = Frame {
        shared,
        namespace,
        intercept: None,
        baseline,
        routers: &routers,
        now: Timestamp::now(),
    };
    let next = advance(&frame, &mut seen).await?;
    let unsettled = next
        .iter()
        .any(|(_, step)| !matches!(step, Step::Nothing | Step::Linger | Step::Refuse(_)));
    if unsettled || !has_settled(&seen) {
        return Ok(Removal::Restoring);
    }
    let deployments: Api<Deployment> = Api::namespaced(context.client.clone(), namespace);
    delete(&deployments, ROUTER_NAME).await?;
    if !routers.gone {
        return Ok(Removal::Draining);
    }
    keep_shadows(&frame, &seen).await?;
    remove_rest(context, namespace).await?;
    Ok(Removal::Done)
}

/// Whether each recorded Service is plain and has its own endpoints again.
fn has_settled(seen: &Observation) -> bool {
    seen.services.iter().all(|service| match Record::of(service) {
        Ok(Some(record)) => {
            shape(service, &record) == Shape::Plain && seen.same_endpoints(&service.name_any())
        }
        Ok(None) | Err(_) => true,
    })
}

async fn remove_rest(context: &Context, namespace: &str) -> Result<(), StepError> {
    let client = || context.client.clone();
    delete(
        &Api::<PodDisruptionBudget>::namespaced(client(), namespace),
        ROUTER_NAME,
    )
    .await?;
    delete(&Api::<Service>::namespaced(client(), namespace), GATEWAY_SERVICE).await?;
    delete(&Api::<RoleBinding>::namespaced(client(), namespace), ROUTER_NAME).await?;
    delete(
        &Api::<ClusterRoleBinding>::all(client()),
        &cluster_binding_name(namespace),
    )
    .await?;
    delete(
        &Api::<ServiceAccount>::namespaced(client(), namespace),
        ROUTER_NAME,
    )
    .await?;
    discovery::withdraw(&context.client, namespace).await?;
    Ok(())
}
