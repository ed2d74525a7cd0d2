//! Removal of a copy: first its requests go elsewhere, then its pod goes.

use std::time::Duration;

use devspace_api::ServiceCopy;
use devspace_api::names::{BASELINE_LABEL, SPACE_LABEL};
use devspace_plan::copy::objects::{service_name, workload_name};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::DeleteParams;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, ResourceExt};

use super::{CopyError, Desk, copy_of, router};
use crate::space::objects;

/// How long routers may take to send a copy's requests elsewhere. Then the copy goes all the same.
const PATIENCE: Duration = Duration::from_secs(2);

fn delete(what: &'static str) -> impl Fn(kube::Error) -> CopyError {
    move |source| CopyError::Delete { what, source }
}

/// The pods' end wakes the copy; this is for an event that got lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Removes what belongs to `copy` and lets it go. The cache claim stays: it goes with the space.
pub(super) async fn remove(copy: &ServiceCopy, desk: &Desk) -> Result<Action, CopyError> {
    let client = &desk.context.client;
    let key = ObjectRef::from_obj(copy);
    desk.routing.look(&key, &None);
    let stands = |deployment: &Deployment| {
        copy_of(deployment).as_ref() == Some(&key) && deployment.metadata.deletion_timestamp.is_none()
    };
    if desk.deployments.find(stands).is_some() {
        leave_routes(copy, client).await;
        delete_workload(copy, client).await?;
        return Ok(Action::requeue(LOOK_AGAIN));
    }
    // A new copy of the same name must not meet a pod that nobody has told to end.
    let runs = |pod: &Pod| copy_of(pod).as_ref() == Some(&key) && pod.metadata.deletion_timestamp.is_none();
    if desk.pods.find(runs).is_some() {
        return Ok(Action::requeue(LOOK_AGAIN));
    }
    let api: Api<ServiceCopy> = Api::namespaced(client.clone(), &copy.namespace().unwrap_or_default());
    let dropped = objects::drop_finalizer(&api, copy).await;
    dropped.map_err(|source| CopyError::Write {
        what: "the ServiceCopy's finalizer",
        source,
    })?;
    desk.memory.forget(&key);
    Ok(Action::await_change())
}

/// Waits, for a bounded time, until every ready router sends the space's requests elsewhere.
/// Routers count a ServiceCopy with a deletion timestamp as gone, so no request fails for the pod's end.
async fn leave_routes(copy: &ServiceCopy, client: &Client) {
    let label = |key: &str| copy.labels().get(key);
    let (Some(baseline), Some(space)) = (label(BASELINE_LABEL), label(SPACE_LABEL)) else {
        return;
    };
    let service = &copy.spec.service;
    let asked = async {
        let routers = router::ready(client, baseline).await?;
        let wait = PATIENCE.as_millis();
        let question = format!("/removed?space={space}&service={service}&timeoutMs={wait}");
        Ok::<bool, router::AskError>(router::all_agree(&routers, &question, PATIENCE).await)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) | Err(_) => tracing::warn!(
            space,
            service,
            "a router did not say that the copy left its table"
        ),
        Ok(Err(error)) => {
            tracing::warn!(
                space,
                service,
                error = crate::logging::chain(&error),
                "routers not asked"
            );
        }
    }
}

/// Deletes the headless Service and the Deployment. In the foreground, so that its pods are ended at once and by
/// Kubernetes itself, and the controller needs no right to delete pods.
async fn delete_workload(copy: &ServiceCopy, client: &Client) -> Result<(), CopyError> {
    let namespace = copy.namespace().unwrap_or_default();
    let service = &copy.spec.service;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    let (workload, headless) = (workload_name(service), service_name(service));
    let foreground = DeleteParams::foreground();
    let (deployment, headless) = tokio::join!(
        deployments.delete(&workload, &foreground),
        objects::delete(&services, &headless, None),
    );
    objects::absent_is_fine(deployment.map(drop)).map_err(delete("the copy's Deployment"))?;
    headless.map_err(delete("the copy's Service"))
}
