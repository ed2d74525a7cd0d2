//! Removal of a copy: first its requests go elsewhere, then its pod goes.

use std::time::Duration;

use devspace_api::ServiceCopy;
use devspace_api::names::{BASELINE_LABEL, COPY_LABEL, SPACE_LABEL};
use devspace_plan::copy::objects::{service_name, workload_name};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, ListParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, ResourceExt};

use super::{CopyError, Desk, router};
use crate::space::objects;

/// How long routers may take to send a copy's requests elsewhere. Then the copy goes all the same.
const PATIENCE: Duration = Duration::from_secs(2);

fn delete(what: &'static str) -> impl Fn(kube::Error) -> CopyError {
    move |source| CopyError::Delete { what, source }
}

/// Removes what belongs to `copy` and lets it go. The cache claim stays: it goes with the space.
pub(super) async fn remove(copy: &ServiceCopy, desk: &Desk) -> Result<Action, CopyError> {
    let client = &desk.context.client;
    let key = ObjectRef::from_obj(copy);
    desk.routing.look(&key, &None);
    leave_routes(copy, client).await;
    remove_pods(copy, client).await?;
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

/// Deletes from the top down, so that nothing makes anew what is deleted. Pods are named last and not left to the
/// garbage collector: a new copy of the same name must not meet one that nobody has told to end.
async fn remove_pods(copy: &ServiceCopy, client: &Client) -> Result<(), CopyError> {
    let namespace = copy.namespace().unwrap_or_default();
    let service = &copy.spec.service;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    let sets: Api<ReplicaSet> = Api::namespaced(client.clone(), &namespace);
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let (workload, headless) = (workload_name(service), service_name(service));
    let (deployment, headless) = tokio::join!(
        objects::delete(&deployments, &workload, None),
        objects::delete(&services, &headless, None),
    );
    deployment.map_err(delete("the copy's Deployment"))?;
    headless.map_err(delete("the copy's Service"))?;
    let all = ListParams::default().labels(&format!("{COPY_LABEL}={service}"));
    let background = DeleteParams::background();
    let deleted = sets.delete_collection(&background, &all).await.map(drop);
    deleted.map_err(delete("the copy's ReplicaSets"))?;
    let deleted = pods
        .delete_collection(&DeleteParams::default(), &all)
        .await
        .map(drop);
    deleted.map_err(delete("the copy's pods"))
}
