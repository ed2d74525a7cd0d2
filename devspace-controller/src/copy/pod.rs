//! What a copy's pod says of itself. Pure.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};
use kube::{Resource, ResourceExt};

/// Waiting is no trouble for these reasons: the kubelet is at work.
const AT_WORK: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// What a copy's pod says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) ip: Option<String>,
    pub(super) ready: bool,
    /// Why it does not start, as the kubelet or the scheduler says it. Empty where nothing is wrong.
    pub(super) trouble: String,
}

/// The pod that counts: the newest that is not on its way out.
pub(super) fn current(pods: &[Arc<Pod>]) -> Option<View> {
    let stays = |pod: &&Arc<Pod>| pod.meta().deletion_timestamp.is_none();
    let newest = pods
        .iter()
        .filter(stays)
        .max_by_key(|pod| (pod.creation_timestamp(), pod.name_any()))?;
    Some(view(newest))
}

fn view(pod: &Pod) -> View {
    let status = pod.status.clone().unwrap_or_default();
    let ready = has_condition(&status, "Ready");
    let trouble = if ready { String::new() } else { trouble(&status) };
    View {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        ip: status.pod_ip.filter(|ip| !ip.is_empty()),
        ready,
        trouble,
    }
}

fn has_condition(status: &PodStatus, kind: &str) -> bool {
    status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == kind && condition.status == "True")
}

fn trouble(status: &PodStatus) -> String {
    let of_pod = status
        .reason
        .as_deref()
        .map(|reason| line(reason, status.message.as_deref()));
    let unschedulable = || {
        let mut all = status.conditions.iter().flatten();
        let found = all.find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
        Some(line(
            found.reason.as_deref().unwrap_or("Unschedulable"),
            found.message.as_deref(),
        ))
    };
    let of_container = || status.container_statuses.iter().flatten().find_map(container);
    of_pod
        .or_else(unschedulable)
        .or_else(of_container)
        .unwrap_or_default()
}

fn line(reason: &str, message: Option<&str>) -> String {
    match message.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}

fn container(status: &ContainerStatus) -> Option<String> {
    let name = &status.name;
    let state = status.state.clone().unwrap_or_default();
    let last = status.last_state.as_ref().and_then(ended);
    let text = match state {
        ContainerState {
            waiting: Some(waiting),
            ..
        } => {
            let reason = waiting
                .reason
                .as_deref()
                .filter(|reason| !AT_WORK.contains(reason))?;
            let text = line(reason, waiting.message.as_deref());
            last.map_or(text.clone(), |last| format!("{text}; {last}"))
        }
        ContainerState {
            terminated: Some(_), ..
        } => ended(&state)?,
        _ => return None,
    };
    Some(format!("{text} (container {name})"))
}

/// How a container ended, where it did not end well.
fn ended(state: &ContainerState) -> Option<String> {
    let terminated = state.terminated.as_ref()?;
    let reason = terminated.reason.as_deref().unwrap_or("Ended");
    let how = match terminated.signal {
        Some(signal) => format!("signal {signal}"),
        None => format!("exit code {}", terminated.exit_code),
    };
    Some(line(
        &format!("{reason} with {how}"),
        terminated.message.as_deref(),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> Pod {
        let meta = json!({ "name": "package-1", "uid": "u" });
        serde_json::from_value(json!({ "metadata": meta, "status": status })).unwrap()
    }

    #[test]
    fn a_pull_that_fails_is_trouble_and_a_start_is_none() {
        let waiting = |reason: &str, message: Option<&str>| {
            let state = json!({ "waiting": { "reason": reason, "message": message } });
            let container = json!({ "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state });
            view(&pod(
                &json!({ "podIP": "10.0.0.7", "containerStatuses": [container] }),
            ))
        };
        assert_eq!(waiting("ContainerCreating", None).trouble, "");
        assert_eq!(waiting("ContainerCreating", None).ip.as_deref(), Some("10.0.0.7"));
        let pull = waiting("ImagePullBackOff", Some("Back-off pulling image \"x\""));
        assert_eq!(
            pull.trouble,
            "ImagePullBackOff: Back-off pulling image \"x\" (container app)"
        );
    }

    #[test]
    fn a_crash_says_how_it_ended() {
        let container = json!({ "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 3,
            "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s" } },
            "lastState": { "terminated": { "exitCode": 2, "reason": "Error" } } });
        let view = view(&pod(&json!({ "containerStatuses": [container] })));
        assert_eq!(
            view.trouble,
            "CrashLoopBackOff: back-off 40s; Error with exit code 2 (container app)"
        );
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes" });
        assert_eq!(
            view(&pod(&json!({ "conditions": [condition] }))).trouble,
            "Unschedulable: 0/1 nodes"
        );
    }

    #[test]
    fn a_pod_on_its_way_out_does_not_count() {
        let mut old = pod(&json!({}));
        old.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            jiff::Timestamp::UNIX_EPOCH,
        ));
        assert_eq!(current(&[Arc::new(old)]), None);
    }
}
