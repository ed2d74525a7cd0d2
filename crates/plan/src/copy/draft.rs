//! A copy's pod template while the transforms work on it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, LocalObjectReference, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Change, CopyPort, CopyRefusal, DerivedCopy, Input};
use crate::mirror::Reference;

/// What `kubectl rollout restart` writes into a template.
pub(super) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// How long the kubelet waits for a copy to end, in seconds: a developer waits for it too.
const GRACE_SECONDS: i64 = 5;

/// A copy's pod template while the transforms work on it.
pub(super) struct Draft {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    /// Everything of the pod but `main` and `first`.
    pub(super) pod: PodSpec,
    /// The developer's container.
    pub(super) main: Container,
    /// Containers of ours that start before it.
    pub(super) first: Vec<Container>,
    pub(super) ports: Vec<CopyPort>,
    pub(super) container_ports: Vec<i32>,
    pub(super) command: Vec<String>,
    pub(super) references: Vec<Reference>,
    pub(super) pull_secrets: Vec<LocalObjectReference>,
    pub(super) service_env: BTreeMap<String, String>,
    changes: Vec<Change>,
    transform: &'static str,
}

/// What [`Draft::new`] starts from.
pub(super) struct Parts {
    pub(super) meta: ObjectMeta,
    pub(super) pod: PodSpec,
    pub(super) main: Container,
    pub(super) ports: Vec<CopyPort>,
    pub(super) container_ports: Vec<i32>,
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(parts: Parts) -> Self {
        let command = match &parts.main.command {
            // Arguments alone follow an entry point that only the image knows.
            Some(command) if !command.is_empty() => command
                .iter()
                .chain(parts.main.args.iter().flatten())
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        Self {
            labels: parts.meta.labels.unwrap_or_default(),
            annotations: parts.meta.annotations.unwrap_or_default(),
            pod: parts.pod,
            main: parts.main,
            first: Vec::new(),
            ports: parts.ports,
            container_ports: parts.container_ports,
            command,
            references: Vec::new(),
            pull_secrets: Vec::new(),
            service_env: BTreeMap::new(),
            changes: Vec::new(),
            transform: "",
        }
    }

    /// Changes are told under `transform` from here on.
    pub(super) fn enter(&mut self, transform: &'static str) {
        self.transform = transform;
    }

    /// Tells people what was dropped or changed.
    pub(super) fn change(&mut self, text: String) {
        self.changes.push(Change {
            transform: self.transform,
            text,
        });
    }

    /// The developer's container and the sidecars that stay.
    pub(super) fn containers_mut(&mut self) -> impl Iterator<Item = &mut Container> {
        std::iter::once(&mut self.main).chain(self.pod.containers.iter_mut())
    }

    /// The developer's container and the sidecars that stay.
    pub(super) fn containers(&self) -> impl Iterator<Item = &Container> {
        std::iter::once(&self.main).chain(self.pod.containers.iter())
    }

    pub(super) fn finish(self) -> DerivedCopy {
        let mut pod = self.pod;
        let sidecars = std::mem::take(&mut pod.containers);
        pod.containers = self
            .first
            .into_iter()
            .chain([self.main])
            .chain(sidecars)
            .collect();
        let meta = ObjectMeta {
            labels: Some(self.labels),
            annotations: (!self.annotations.is_empty()).then_some(self.annotations),
            ..ObjectMeta::default()
        };
        DerivedCopy {
            template: PodTemplateSpec {
                metadata: Some(meta),
                spec: Some(pod),
            },
            ports: self.ports,
            container_ports: self.container_ports,
            command: self.command,
            references: self.references,
            pull_secrets: self.pull_secrets,
            service_env: self.service_env,
            changes: self.changes,
        }
    }
}

/// Fields of the pod that make no sense outside the baseline's workload.
pub(super) fn finish_pod(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    let pod = &mut draft.pod;
    pod.termination_grace_period_seconds = Some(GRACE_SECONDS);
    pod.restart_policy = None;
    pod.active_deadline_seconds = None;
    pod.ephemeral_containers = None;
    // Computed by admission from the runtime class (KEP-688).
    pod.overhead = None;
    let gates = pod
        .readiness_gates
        .take()
        .into_iter()
        .flatten()
        .map(|gate| gate.condition_type);
    let gates: Vec<String> = gates.collect();
    let named = pod.hostname.take().is_some()
        | pod.subdomain.take().is_some()
        | pod.set_hostname_as_fqdn.take().is_some();
    for gate in gates {
        draft.change(format!("readiness gate {gate} dropped"));
    }
    if named {
        draft.change("host name and subdomain dropped".to_owned());
    }
    Ok(())
}
