//! The pods of copies.

use devspace_api::names::{BASELINE_LABEL, COPY_LABEL, SPACE_LABEL};
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};
use kube::runtime::{WatchStreamExt, watcher};

use super::Kube;
use super::faults::{LIST, READ, WATCH, attempt, fault, watch_fault};
use crate::engine::{CopyRef, EngineError, LogQuery, LogStream};

/// Where the agent's binary is in a copy's pod; the container that starts it is the service's.
const AGENT_IN_POD: &str = "/devspace/bin/devspace-agent";
/// Containers of ours have this prefix; the service's container keeps its own name.
const OWN_CONTAINERS: &str = "devspace-agent-";

/// The pods of `copy`'s namespace.
pub(super) fn api(kube: &Kube, copy: &CopyRef) -> Api<Pod> {
    Api::namespaced(kube.client.clone(), &copy.namespace)
}

/// The pod of `copy` now: the newest one that is not on its way out.
///
/// # Errors
/// [`EngineError::NoPod`], if there is none.
pub(super) async fn current(kube: &Kube, copy: &CopyRef) -> Result<Pod, EngineError> {
    let list = api(kube, copy)
        .list(&ListParams::default().labels(&selector(copy)))
        .await;
    let pods = fault(kube, list, attempt(LIST, "", "pods", Some(&copy.namespace), None)).await?;
    newest(pods.items).ok_or_else(|| EngineError::NoPod {
        service: copy.service.clone(),
        space: copy.space.clone(),
    })
}

fn newest(pods: Vec<Pod>) -> Option<Pod> {
    pods.into_iter()
        .filter(stays)
        .max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// Neither ended nor on its way out.
fn stays(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Failed" | "Succeeded"))
}

/// Waits until `copy` has a pod.
///
/// # Errors
/// [`EngineError`], if its pods cannot be watched.
pub(super) async fn appears(kube: &Kube, copy: &CopyRef) -> Result<(), EngineError> {
    let config = watcher::Config::default().labels(&selector(copy));
    let mut seen = std::pin::pin!(watcher(api(kube, copy), config).applied_objects());
    let asked = attempt(WATCH, "", "pods", Some(&copy.namespace), None);
    while let Some(pod) = seen.next().await {
        if stays(&pod.map_err(|error| watch_fault(kube, error, &asked))?) {
            break;
        }
    }
    Ok(())
}

fn selector(copy: &CopyRef) -> String {
    let CopyRef {
        baseline,
        space,
        service,
        ..
    } = copy;
    format!("{BASELINE_LABEL}={baseline},{SPACE_LABEL}={space},{COPY_LABEL}={service}")
}

/// The container that runs the service: the one that the agent runs, else the first that is not ours.
pub(super) fn main_container(pod: &Pod) -> Option<String> {
    let containers = &pod.spec.as_ref()?.containers;
    let by_agent = containers.iter().find(|container| {
        let command = container.command.as_deref().unwrap_or_default();
        command.first().is_some_and(|program| program == AGENT_IN_POD)
            && command.get(1).is_some_and(|verb| verb == "run")
    });
    let chosen = by_agent.or_else(|| {
        containers
            .iter()
            .find(|container| !container.name.starts_with(OWN_CONTAINERS))
    });
    chosen.map(|container| container.name.clone())
}

/// The log of the service's container in the current pod.
pub(super) async fn logs(kube: &Kube, copy: &CopyRef, query: LogQuery) -> Result<LogStream, EngineError> {
    let pod = current(kube, copy).await?;
    let name = pod.metadata.name.clone().unwrap_or_default();
    let params = LogParams {
        container: main_container(&pod),
        follow: query.follow,
        tail_lines: query.tail.map(i64::from),
        ..LogParams::default()
    };
    let asked = attempt(READ, "", "pods/log", Some(&copy.namespace), Some(&name));
    let reader = fault(kube, api(kube, copy).log_stream(&name, &params).await, asked).await?;
    let lines = reader
        .lines()
        .map_err(|error| EngineError::Stream(Box::new(error)))
        .boxed();
    Ok(LogStream {
        pod: Some(name),
        lines,
    })
}

/// Warnings that Kubernetes recorded about the current pod.
pub(super) async fn troubles(kube: &Kube, copy: &CopyRef) -> Result<Vec<String>, EngineError> {
    let pod = current(kube, copy).await?;
    let uid = pod.metadata.uid.unwrap_or_default();
    let events: Api<Event> = Api::namespaced(kube.client.clone(), &copy.namespace);
    let params = ListParams::default().fields(&format!("involvedObject.uid={uid},type=Warning"));
    let asked = attempt(LIST, "", "events", Some(&copy.namespace), None);
    let mut found = fault(kube, events.list(&params).await, asked).await?.items;
    found.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
    let line = |event: Event| {
        format!(
            "{}: {}",
            event.reason.unwrap_or_default(),
            event.message.unwrap_or_default()
        )
    };
    Ok(found.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(value: serde_json::Value) -> Pod {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_newest_pod_that_stays_counts() {
        let at = |name: &str, second: u8, extra: &str| {
            let mut value = serde_json::json!({"metadata": {"name": name, "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z")}});
            match extra {
                "going" => value["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z".into(),
                "failed" => value["status"] = serde_json::json!({"phase": "Failed"}),
                _ => {}
            }
            pod(value)
        };
        let pods = vec![
            at("old", 1, ""),
            at("going", 3, "going"),
            at("failed", 4, "failed"),
            at("new", 2, ""),
        ];
        assert_eq!(newest(pods).unwrap().metadata.name.as_deref(), Some("new"));
        assert!(newest(vec![at("going", 3, "going")]).is_none());
    }

    #[test]
    fn the_services_container_is_found() {
        let with_agent = pod(serde_json::json!({"spec": {"containers": [
            {"name": "devspace-agent-install", "command": ["/devspace-agent", "pause"]},
            {"name": "metrics"},
            {"name": "app", "command": ["/devspace/bin/devspace-agent", "run"]},
        ]}}));
        assert_eq!(main_container(&with_agent).as_deref(), Some("app"));
        let image_only =
            pod(serde_json::json!({"spec": {"containers": [{"name": "app"}, {"name": "metrics"}]}}));
        assert_eq!(main_container(&image_only).as_deref(), Some("app"));
    }
}
