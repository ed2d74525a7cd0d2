//! What a ServiceCopy's status says. Pure.

use devspace_api::condition::{self, kind};
use devspace_api::copy::{CopyPhase, CopyPod};
use devspace_api::{ServiceCopy, ServiceCopyStatus};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

use super::memory::Made;
use super::pod::View;
use super::routed::{Routed, Target};
use crate::space::objects;

/// What a reconcile saw.
pub(super) struct Seen<'a> {
    pub(super) copy: &'a ServiceCopy,
    pub(super) made: &'a Made,
    pub(super) pod: Option<View>,
    pub(super) deployment: Option<&'a Deployment>,
    pub(super) routed: Option<Routed>,
}

// === impl Seen ===

impl Seen<'_> {
    fn is_ready(&self) -> bool {
        self.pod.as_ref().is_some_and(|pod| pod.ready)
    }

    /// What routers are to send where, once the pod is ready.
    pub(super) fn target(&self) -> Option<Target> {
        let pod = self.pod.as_ref().filter(|pod| pod.ready)?;
        Some(Target {
            baseline: self.made.baseline.clone()?,
            space: self.made.space.clone(),
            service: self.copy.spec.service.clone(),
            address: pod.ip.clone()?,
        })
    }

    /// Why the Deployment makes no pod: a quota or an admission policy.
    fn no_pod(&self) -> Option<String> {
        let conditions = self.deployment?.status.as_ref()?.conditions.as_ref()?;
        let failure = conditions
            .iter()
            .find(|c| c.type_ == "ReplicaFailure" && c.status == "True")?;
        Some(
            failure
                .message
                .clone()
                .unwrap_or_else(|| "no pod can be made".to_owned()),
        )
    }
}

/// The whole status.
pub(super) fn status(seen: &Seen<'_>) -> ServiceCopyStatus {
    let old = seen.copy.status.clone().unwrap_or_default();
    let generation = seen.copy.meta().generation;
    let ever_ready = old.ever_ready || seen.is_ready();
    let mut conditions = old.conditions;
    let mut set = |condition: Condition| condition::set(&mut conditions, condition);
    let make = |kind, (status, reason, message): (bool, &str, String)| {
        objects::condition(kind, status, reason, message, generation)
    };
    set(make(kind::READY, ready(seen, ever_ready)));
    set(make(kind::ROUTED, routed(seen)));
    if seen.made.refusal.is_none() {
        set(make(kind::DRIFT, drift(seen)));
    }
    let pod = seen.pod.as_ref().map(|pod| CopyPod {
        name: pod.name.clone(),
        uid: pod.uid.clone(),
        ip: pod.ip.clone(),
        trouble: pod.trouble.clone(),
    });
    let phase = phase(seen, ever_ready);
    if seen.made.refusal.is_some() {
        // What ran before it was refused may run on, and stays described.
        return ServiceCopyStatus {
            observed_generation: generation,
            phase,
            pod,
            ever_ready,
            conditions,
            ..old
        };
    }
    ServiceCopyStatus {
        observed_generation: generation,
        phase,
        pod,
        ever_ready,
        ports: seen.made.container_ports.clone(),
        command: seen.made.command.clone(),
        template_hash: seen.made.template_hash.clone(),
        changes: seen.made.changes.clone(),
        conditions,
    }
}

fn phase(seen: &Seen<'_>, ever_ready: bool) -> CopyPhase {
    match &seen.made.refusal {
        Some(refusal) if refusal.waits => CopyPhase::Pending,
        Some(_) => CopyPhase::Refused,
        None if seen.is_ready() => CopyPhase::Ready,
        None if ever_ready => CopyPhase::Down,
        None => CopyPhase::Starting,
    }
}

fn ready<'a>(seen: &'a Seen<'_>, ever_ready: bool) -> (bool, &'a str, String) {
    if let Some(refusal) = &seen.made.refusal {
        return (false, refusal.reason, refusal.message.clone());
    }
    if seen.is_ready() {
        return (true, "Ready", String::new());
    }
    if let Some(pod) = seen.pod.as_ref().filter(|pod| !pod.trouble.is_empty()) {
        return (false, "PodTrouble", pod.trouble.clone());
    }
    if seen.pod.is_none()
        && let Some(message) = seen.no_pod()
    {
        return (false, "PodRefused", message);
    }
    if ever_ready {
        return (
            false,
            "NotReady",
            "the program was ready and is not now".to_owned(),
        );
    }
    (
        false,
        "Starting",
        "the pod or the program in it is starting".to_owned(),
    )
}

fn routed(seen: &Seen<'_>) -> (bool, &'static str, String) {
    match &seen.routed {
        Some(Routed::Yes) => (true, "Applied", String::new()),
        Some(Routed::Asking) if was_routed(seen) => (true, "Applied", String::new()),
        Some(Routed::Asking) => (
            false,
            "Asking",
            "not every ready router sends requests here yet".to_owned(),
        ),
        Some(Routed::NoRouter) => (false, "NoRouter", "the baseline has no ready router".to_owned()),
        Some(Routed::No) | None => (false, "NotReady", "the copy is not ready".to_owned()),
    }
}

/// Whether the status already says that routers send requests to this very pod.
/// A controller that starts asks again, and what holds meanwhile stays said.
fn was_routed(seen: &Seen<'_>) -> bool {
    let Some(status) = &seen.copy.status else {
        return false;
    };
    let same = status
        .pod
        .as_ref()
        .zip(seen.pod.as_ref())
        .is_some_and(|(old, new)| old.uid == new.uid && old.ip == new.ip);
    same && condition::is_true(&status.conditions, kind::ROUTED)
}

fn drift(seen: &Seen<'_>) -> (bool, &'static str, String) {
    match &seen.made.drift {
        Some(text) => (true, "BaselineChanged", text.clone()),
        None => (false, "UpToDate", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use devspace_api::ServiceCopySpec;

    use super::super::memory::Refusal;
    use super::*;

    fn copy() -> ServiceCopy {
        let spec = ServiceCopySpec {
            service: "package".into(),
            ..ServiceCopySpec::default()
        };
        let mut copy = ServiceCopy::new("package", spec);
        copy.metadata.generation = Some(2);
        copy
    }

    fn made() -> Made {
        Made {
            baseline: Some("shop".into()),
            space: "red".into(),
            container_ports: vec![8080],
            ..Made::default()
        }
    }

    fn pod(ready: bool) -> View {
        let (name, uid, ip) = ("package-1".into(), "u".into(), Some("10.0.0.7".into()));
        View {
            name,
            uid,
            ip,
            ready,
            trouble: String::new(),
        }
    }

    fn look(copy: &ServiceCopy, made: &Made, pod: Option<View>, routed: Routed) -> ServiceCopyStatus {
        status(&Seen {
            copy,
            made,
            pod,
            deployment: None,
            routed: Some(routed),
        })
    }

    fn reason(status: &ServiceCopyStatus, kind: &str) -> (String, String) {
        let found = condition::find(&status.conditions, kind).unwrap();
        (found.status.clone(), found.reason.clone())
    }

    #[test]
    fn a_pod_is_told_before_it_is_ready() {
        let status = look(&copy(), &made(), Some(pod(false)), Routed::No);
        assert_eq!(status.phase, CopyPhase::Starting);
        assert_eq!(status.pod.unwrap().ip.as_deref(), Some("10.0.0.7"));
        assert!(!status.ever_ready);
    }

    #[test]
    fn a_copy_is_ready_then_routed_then_down_and_remembers() {
        let (mut copy, made) = (copy(), made());
        let first = look(&copy, &made, Some(pod(true)), Routed::Asking);
        assert_eq!((first.phase, first.ever_ready), (CopyPhase::Ready, true));
        assert_eq!(reason(&first, kind::ROUTED), ("False".into(), "Asking".into()));
        copy.status = Some(first);
        let second = look(&copy, &made, Some(pod(true)), Routed::Yes);
        assert_eq!(reason(&second, kind::ROUTED), ("True".into(), "Applied".into()));
        copy.status = Some(second.clone());
        assert_eq!(
            look(&copy, &made, Some(pod(true)), Routed::Asking),
            second,
            "a new controller asks again"
        );
        let third = look(&copy, &made, Some(pod(false)), Routed::No);
        assert_eq!((third.phase, third.ever_ready), (CopyPhase::Down, true));
        assert_eq!(reason(&third, kind::ROUTED), ("False".into(), "NotReady".into()));
    }

    #[test]
    fn a_refusal_says_why_and_keeps_what_was_described() {
        let mut copy = copy();
        copy.status = Some(ServiceCopyStatus {
            ports: vec![8080],
            ..ServiceCopyStatus::default()
        });
        let refusal = Refusal {
            reason: "NoService",
            message: "the baseline has no Service package".into(),
            waits: false,
        };
        let status = look(
            &copy,
            &Made {
                refusal: Some(refusal),
                ..Made::default()
            },
            None,
            Routed::No,
        );
        assert_eq!(status.phase, CopyPhase::Refused);
        assert_eq!(status.ports, [8080]);
        assert_eq!(reason(&status, kind::READY), ("False".into(), "NoService".into()));
    }

    #[test]
    fn an_unchanged_copy_gives_the_same_status() {
        let (mut copy, made) = (copy(), made());
        let first = look(&copy, &made, Some(pod(false)), Routed::No);
        copy.status = Some(first.clone());
        assert_eq!(look(&copy, &made, Some(pod(false)), Routed::No), first);
    }
}
