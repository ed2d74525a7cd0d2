//! The status of a Baseline.

use devspace_api::baseline::{Baseline, BaselineStatus, Interception, RouterState, ServiceState};
use devspace_api::condition::{find, kind};
use devspace_api::record::Record;
use devspace_plan::interception::{Routers, Step, is_wanted, state};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;

use super::observe::Observation;

/// A condition before its time is known.
pub(super) struct Verdict {
    /// Its type.
    pub(super) kind: &'static str,
    /// Whether it holds.
    pub(super) holds: bool,
    /// One CamelCase word.
    pub(super) reason: &'static str,
    /// The same for people.
    pub(super) message: String,
}

/// The condition of a verdict. Its time changes with its status alone (API conventions, "typical status properties").
pub(super) fn condition(
    verdict: Verdict,
    old: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let status = if verdict.holds { "True" } else { "False" };
    let since = find(old, verdict.kind)
        .filter(|old| old.status == status)
        .map(|old| old.last_transition_time.clone());
    Condition {
        type_: verdict.kind.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason.to_owned(),
        message: verdict.message,
        observed_generation: generation,
        last_transition_time: since.unwrap_or(Time(now)),
    }
}

/// The status after a reconcile whose Services have these next steps.
pub(super) fn status(
    baseline: &Baseline,
    seen: &Observation,
    routers: &Routers,
    next: &[(String, Step)],
    now: Timestamp,
) -> BaselineStatus {
    let old = baseline.status.clone().unwrap_or_default();
    let services: Vec<ServiceState> = next
        .iter()
        .map(|(name, step)| dated(shown(baseline, seen, name, step), &old, now))
        .collect();
    let intercepted = services
        .iter()
        .filter(|service| service.state == Interception::Intercepted)
        .count();
    let ready = i32::try_from(routers.ready.len()).unwrap_or(i32::MAX);
    let desired = baseline.spec.router.replicas.map_or(2, i32::from);
    let verdicts = [router_ready(ready), is_ready(baseline, seen, ready, &services)];
    let generation = baseline.metadata.generation;
    let conditions = verdicts
        .into_iter()
        .map(|verdict| condition(verdict, &old.conditions, generation, now));
    BaselineStatus {
        observed_generation: generation,
        intercepted_count: i32::try_from(intercepted).unwrap_or(i32::MAX),
        services,
        router: RouterState {
            ready,
            desired,
            summary: format!("{ready}/{desired}"),
        },
        hosts: hosts(baseline, seen),
        conditions: conditions.collect(),
    }
}

/// Public hosts in use.
pub(super) fn hosts(baseline: &Baseline, seen: &Observation) -> Vec<String> {
    if baseline.spec.hosts.is_empty() {
        seen.ingress_hosts()
    } else {
        baseline.spec.hosts.clone()
    }
}

/// A Service that is refused says so from the first moment, also while its record waits for the last connections.
fn shown(baseline: &Baseline, seen: &Observation, name: &str, step: &Step) -> ServiceState {
    let leaves = matches!(step, Step::Restore(_) | Step::Linger | Step::Forget);
    let service = seen
        .services
        .iter()
        .find(|service| leaves && service.name_any() == name);
    let wanted = service.filter(|service| is_wanted(&baseline.spec.intercept, service));
    match wanted.and_then(|service| seen.refusal(service)) {
        Some(refusal) => state(name, &Step::Refuse(refusal)),
        None => state(name, step),
    }
}

fn dated(mut state: ServiceState, old: &BaselineStatus, now: Timestamp) -> ServiceState {
    let before = old
        .services
        .iter()
        .find(|before| before.name == state.name && before.state == state.state);
    state.since = before.and_then(|before| before.since.clone()).or(Some(Time(now)));
    state
}

fn router_ready(ready: i32) -> Verdict {
    let (reason, message) = match ready {
        0 => (
            "NoReadyPod",
            "no pod of Deployment devspace-proxy is ready".to_owned(),
        ),
        _ => ("PodsReady", String::new()),
    };
    Verdict {
        kind: kind::ROUTER_READY,
        holds: ready > 0,
        reason,
        message,
    }
}

/// Ready means: every Service that is asked for passes the router, or is refused and not asked for by name.
fn is_ready(baseline: &Baseline, seen: &Observation, ready: i32, services: &[ServiceState]) -> Verdict {
    let verdict = |holds, reason, message| Verdict {
        kind: kind::READY,
        holds,
        reason,
        message,
    };
    if ready == 0 {
        return verdict(false, "NoReadyRouter", "no router is ready".to_owned());
    }
    let intercept = &baseline.spec.intercept;
    let missing = intercept
        .services
        .iter()
        .find(|name| !services.iter().any(|service| service.name == **name));
    if let Some(missing) = missing {
        return verdict(
            false,
            "ServiceMissing",
            format!("Service {missing} does not exist"),
        );
    }
    let wanted = |state: &&ServiceState| {
        seen.services
            .iter()
            .any(|service| service.name_any() == state.name && is_wanted(intercept, service))
    };
    let named = |state: &ServiceState| intercept.services.contains(&state.name);
    for service in services.iter().filter(wanted) {
        let open = match service.state {
            Interception::Intercepted => false,
            Interception::Plain | Interception::Contended => true,
            Interception::Refused => named(service),
        };
        if open {
            let why = if service.message.is_empty() {
                "is on the way"
            } else {
                service.message.as_str()
            };
            let reason = match service.state {
                Interception::Refused => "ServiceRefused",
                Interception::Contended => "ServiceContended",
                Interception::Plain | Interception::Intercepted => "Progressing",
            };
            return verdict(false, reason, format!("Service {}: {why}", service.name));
        }
    }
    // Services that are not asked for any more may still be on their way out.
    let leaving = seen.services.iter().any(|service| {
        !is_wanted(intercept, service)
            && Record::of(service)
                .ok()
                .flatten()
                .is_some_and(|r| r.restored.is_none())
    });
    if leaving {
        return verdict(false, "Progressing", "Services are being put back".to_owned());
    }
    verdict(true, "AsAsked", String::new())
}
