//! What is printed when a test fails: enough to find the cause without running it again.

use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};

use super::{Scope, objects, product, say};

/// Lines of each log that are shown.
const LINES: i64 = 40;

/// Prints pods, events and logs of the test's namespaces and of the product's.
pub async fn print(scope: &Scope) {
    let client = &scope.cluster.client;
    let mut namespaces = scope.namespaces();
    let all: Api<Namespace> = Api::all(client.clone());
    for own in scope.namespaces() {
        let labels = format!("{}={own}", devspace_api::names::BASELINE_LABEL);
        if let Ok(personal) = all.list(&ListParams::default().labels(&labels)).await {
            namespaces.extend(personal.items.into_iter().filter_map(|one| one.metadata.name));
        }
    }
    namespaces.push(product::NAMESPACE.to_owned());
    for namespace in namespaces {
        say(format!("--- namespace {namespace}"));
        let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        for pod in pods
            .list(&ListParams::default())
            .await
            .map(|list| list.items)
            .unwrap_or_default()
        {
            print_pod(&pods, &pod).await;
        }
        let events: Api<Event> = Api::namespaced(client.clone(), &namespace);
        for event in events
            .list(&ListParams::default())
            .await
            .map(|list| list.items)
            .unwrap_or_default()
        {
            if event.type_.as_deref() != Some("Normal") {
                let about = event.involved_object.name.unwrap_or_default();
                say(format!("event {about}: {}", event.message.unwrap_or_default()));
            }
        }
    }
}

async fn print_pod(api: &Api<Pod>, pod: &Pod) {
    let name = objects::name(pod);
    let status = pod.status.clone().unwrap_or_default();
    say(format!(
        "pod {name}: {} ready={}",
        status.phase.unwrap_or_default(),
        objects::is_ready(pod)
    ));
    for container in status.container_statuses.unwrap_or_default() {
        let restarts = container.restart_count;
        let waiting = container
            .state
            .and_then(|state| state.waiting)
            .and_then(|waiting| waiting.message);
        if restarts > 0 || waiting.is_some() {
            say(format!(
                "  {}: {restarts} restarts, waiting: {waiting:?}",
                container.name
            ));
        }
        let parameters = LogParams {
            container: Some(container.name.clone()),
            tail_lines: Some(LINES),
            ..LogParams::default()
        };
        if let Ok(text) = api.logs(name, &parameters).await {
            for line in text.lines() {
                say(format!("  {} | {line}", container.name));
            }
        }
    }
}
