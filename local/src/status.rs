//! What the statuses of the objects say, as the CLI reads them of a cluster too. Pure but for the time of a change.

use devspace_api::baseline::{Interception, RouterState, ServiceState};
use devspace_api::condition::{self, kind};
use devspace_api::copy::{CopyPhase, CopyPod};
use devspace_api::{Baseline, BaselineStatus, ServiceCopy, ServiceCopyStatus, Space, SpaceStatus};
use devspace_core::SpaceName;
use devspace_core::chain::resolve_chain;
use devspace_core::host::tunnel_url;
use devspace_plan::space::{chain_reason, namespace_name};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::plan::{self, Refusal};
use crate::protocol::{Workspace, WorkspaceService};
use crate::unit::Readiness;
use crate::views;

/// What is known of a copy's agent.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) pod: CopyPod,
    pub(crate) readiness: Readiness,
}

fn make(
    kind: &str,
    status: bool,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if status { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.into(),
        observed_generation: generation,
        last_transition_time: Time(Timestamp::now()),
    }
}

/// The status of a copy. `routed` says that the table that is in force sends its space's requests to it.
pub(crate) fn of_copy(
    copy: &ServiceCopy,
    service: Option<&WorkspaceService>,
    refusal: Option<&Refusal>,
    agent: Option<&Agent>,
    routed: bool,
) -> ServiceCopyStatus {
    let old = copy.status.clone().unwrap_or_default();
    let generation = copy.metadata.generation;
    let is_ready = agent.is_some_and(|agent| agent.readiness != Readiness::Down) && refusal.is_none();
    // A restart in progress is no end: what was ready stays so, what was not is not yet.
    let is_ready =
        is_ready && (old.ever_ready || agent.is_some_and(|agent| agent.readiness == Readiness::Ready));
    let ever_ready = old.ever_ready || is_ready;
    let phase = match refusal {
        Some(_) => CopyPhase::Refused,
        None if is_ready => CopyPhase::Ready,
        None if ever_ready => CopyPhase::Down,
        None => CopyPhase::Starting,
    };
    let trouble = agent.map(|agent| agent.pod.trouble.clone()).unwrap_or_default();
    let (ok, reason, message) = match refusal {
        Some(refusal) => (false, refusal.reason, refusal.message.clone()),
        None if is_ready => (true, "Ready", String::new()),
        None if !trouble.is_empty() => (false, "PodTrouble", trouble),
        None if ever_ready => (
            false,
            "NotReady",
            "the program was ready and is not now".to_owned(),
        ),
        None => (
            false,
            "Starting",
            "the agent or its program is starting".to_owned(),
        ),
    };
    let mut conditions = old.conditions;
    condition::set(
        &mut conditions,
        make(kind::READY, ok, reason, message, generation),
    );
    let routed = if routed && is_ready {
        make(kind::ROUTED, true, "Applied", "", generation)
    } else {
        make(
            kind::ROUTED,
            false,
            "NotReady",
            "the copy is not ready",
            generation,
        )
    };
    condition::set(&mut conditions, routed);
    let ports = service.map(|service| service.ports.iter().map(|port| i32::from(*port)).collect());
    ServiceCopyStatus {
        observed_generation: generation,
        phase,
        pod: agent.map(|agent| agent.pod.clone()),
        ever_ready,
        ports: ports.unwrap_or_default(),
        command: service
            .map(|service| service.program.run.clone())
            .unwrap_or_default(),
        template_hash: None,
        changes: plan::ignored(&copy.spec),
        conditions,
    }
}

/// The status of a space. `gateway` is the workspace's port, `own` the space's.
pub(crate) fn of_space(
    space: &Space,
    workspace: &Workspace,
    all: &[Space],
    gateway: u16,
    own: Option<u16>,
) -> SpaceStatus {
    let old = space.status.clone().unwrap_or_default();
    let generation = space.metadata.generation;
    let name = space.metadata.name.clone().unwrap_or_default();
    let set = views::set_of(&workspace.name, all);
    let parsed = SpaceName::try_new(&name).ok();
    let chain = parsed
        .as_ref()
        .map(|parsed| resolve_chain(&set, parsed, views::MAX_CHAIN));
    let mut conditions = old.conditions;
    let (chain, ready) = match chain {
        Some(Ok(chain)) => (
            chain.spaces().iter().map(ToString::to_string).collect(),
            make(kind::READY, true, "Made", "", generation),
        ),
        Some(Err(error)) => (
            vec![name.clone()],
            make(
                kind::READY,
                false,
                chain_reason(&error),
                error.to_string(),
                generation,
            ),
        ),
        None => (
            vec![name.clone()],
            make(kind::READY, true, "Made", "", generation),
        ),
    };
    condition::set(&mut conditions, ready);
    let named = parsed.map(|parsed| format!("{}/", tunnel_url(&parsed, gateway).trim_end_matches('/')));
    let own = own.map(|port| format!("http://127.0.0.1:{port}/"));
    SpaceStatus {
        observed_generation: generation,
        namespace: Some(namespace_name(&workspace.name, &name)),
        urls: named.into_iter().chain(own).collect(),
        chain,
        conditions,
    }
}

/// The status of the workspace's Baseline.
pub(crate) fn of_baseline(baseline: &Baseline, workspace: &Workspace, gateway: u16) -> BaselineStatus {
    let old = baseline.status.clone().unwrap_or_default();
    let generation = baseline.metadata.generation;
    let before = |name: &str| old.services.iter().find(|state| state.name == name);
    let state = |service: &WorkspaceService| ServiceState {
        name: service.name.clone(),
        state: Interception::Intercepted,
        reason: String::new(),
        message: String::new(),
        since: before(&service.name)
            .and_then(|state| state.since.clone())
            .or_else(|| Some(Time(Timestamp::now()))),
    };
    let mut services: Vec<ServiceState> = workspace.services.iter().map(state).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let mut conditions = old.conditions;
    for kind in [kind::ROUTER_READY, kind::READY] {
        condition::set(&mut conditions, make(kind, true, "Running", "", generation));
    }
    BaselineStatus {
        observed_generation: generation,
        intercepted_count: i32::try_from(services.len()).unwrap_or(i32::MAX),
        services,
        router: RouterState {
            ready: 1,
            desired: 1,
            summary: "1/1".to_owned(),
        },
        hosts: vec![format!("{}:{gateway}", views::host(workspace))],
        conditions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{service, workspace};

    fn agent(readiness: Readiness) -> Agent {
        let pod = CopyPod {
            name: "package-1".into(),
            uid: "u".into(),
            ip: Some("127.0.0.1".into()),
            trouble: String::new(),
        };
        Agent { pod, readiness }
    }

    fn look(copy: &ServiceCopy, readiness: Readiness, routed: bool) -> ServiceCopyStatus {
        of_copy(
            copy,
            Some(&service("package")),
            None,
            Some(&agent(readiness)),
            routed,
        )
    }

    #[test]
    fn a_copy_is_starting_then_ready_and_routed_then_down_and_remembers() {
        let mut copy = ServiceCopy::default();
        copy.metadata.generation = Some(3);
        let first = look(&copy, Readiness::Down, false);
        assert_eq!(
            (first.phase, first.observed_generation),
            (CopyPhase::Starting, Some(3))
        );
        copy.status = Some(first);
        assert_eq!(
            look(&copy, Readiness::Restarting, true).phase,
            CopyPhase::Starting
        );
        let ready = look(&copy, Readiness::Ready, true);
        assert_eq!(
            (ready.phase, ready.ports.as_slice()),
            (CopyPhase::Ready, [8080].as_slice())
        );
        assert!(condition::is_true(&ready.conditions, kind::ROUTED));
        copy.status = Some(ready.clone());
        assert_eq!(
            look(&copy, Readiness::Ready, true),
            ready,
            "an unchanged copy gives the same status"
        );
        assert_eq!(look(&copy, Readiness::Restarting, true).phase, CopyPhase::Ready);
        let down = look(&copy, Readiness::Down, false);
        assert_eq!((down.phase, down.ever_ready), (CopyPhase::Down, true));
        assert!(!condition::is_true(&down.conditions, kind::ROUTED));
    }

    #[test]
    fn a_refusal_is_in_the_condition() {
        let refusal = Refusal {
            reason: "NoImages",
            message: "none".into(),
        };
        let status = of_copy(&ServiceCopy::default(), None, Some(&refusal), None, false);
        assert_eq!(status.phase, CopyPhase::Refused);
        assert_eq!(
            condition::find(&status.conditions, kind::READY).unwrap().message,
            "none"
        );
    }

    #[test]
    fn a_space_has_its_addresses_and_chain() {
        let mut red = Space::default();
        red.metadata.name = Some("red".into());
        red.spec.parent = Some("team".into());
        let mut team = Space::default();
        team.metadata.name = Some("team".into());
        let shop = workspace(&["package"]);
        let status = of_space(&red, &shop, &[red.clone(), team], 7080, Some(21_000));
        assert_eq!(status.namespace.as_deref(), Some("devspace-shop--red"));
        assert_eq!(
            status.urls,
            ["http://red.localhost:7080/", "http://127.0.0.1:21000/"]
        );
        assert_eq!(status.chain, ["red", "team"]);
        assert!(condition::is_true(&status.conditions, kind::READY));
        let alone = of_space(&red, &shop, std::slice::from_ref(&red), 7080, None);
        assert!(!condition::is_true(&alone.conditions, kind::READY));
        let baseline = of_baseline(&Baseline::new("shop", Default::default()), &shop, 7080);
        assert_eq!(baseline.hosts, ["localhost:7080"]);
        assert_eq!(baseline.services[0].state, Interception::Intercepted);
    }
}
