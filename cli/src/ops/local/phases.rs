//! What the phases of a workspace's services mean. Pure.

use std::collections::BTreeMap;

use devspace_local::protocol::{ServicePhase, ServiceState, WorkspaceState};

use crate::event::{Event, LocalServiceRow};

/// Crashes after which a service that comes and goes counts as failed.
const CRASHES: u32 = 3;

/// How the start of a workspace ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Services that failed.
    pub(crate) failed: Vec<String>,
    /// Services left out for want of a program, with the reason.
    pub(crate) missing: Vec<String>,
}

/// The outcome; `None` while a service is on its way.
pub(crate) fn outcome(state: &WorkspaceState) -> Option<Outcome> {
    let with = |wanted: fn(&ServiceState) -> bool| -> Vec<String> {
        let services = state.services.iter().filter(|service| wanted(service));
        services.map(|service| service.name.clone()).collect()
    };
    let settled = |service: &ServiceState| {
        matches!(service.phase, ServicePhase::Ready | ServicePhase::Missing) || failed(service)
    };
    state.services.iter().all(settled).then(|| Outcome {
        failed: with(failed),
        missing: with(|service| service.phase == ServicePhase::Missing),
    })
}

fn failed(service: &ServiceState) -> bool {
    match service.phase {
        ServicePhase::Failed => true,
        ServicePhase::Down => service.crashes >= CRASHES,
        _ => false,
    }
}

/// What each service that is not settled waits for.
pub(super) fn waiting(state: &WorkspaceState) -> Vec<String> {
    let settled = |service: &&ServiceState| {
        !failed(service) && !matches!(service.phase, ServicePhase::Ready | ServicePhase::Missing)
    };
    let line = |service: &ServiceState| match service.trouble.lines().next() {
        Some(trouble) => format!("{} is {} ({trouble})", service.name, word(service.phase)),
        None => format!("{} is {}", service.name, word(service.phase)),
    };
    state.services.iter().filter(settled).map(line).collect()
}

/// Tells what changed since `before`, which becomes `now`.
pub(super) fn changes(
    before: &mut BTreeMap<String, (ServicePhase, String)>,
    now: &WorkspaceState,
) -> Vec<Event> {
    let mut events = Vec::new();
    for service in &now.services {
        let seen = (service.phase, service.trouble.clone());
        if before.get(&service.name) != Some(&seen) {
            before.insert(service.name.clone(), seen);
            events.push(Event::LocalService(row(&now.name, service)));
        }
    }
    events
}

/// A service as a row.
pub(crate) fn row(workspace: &str, service: &ServiceState) -> LocalServiceRow {
    LocalServiceRow {
        workspace: workspace.to_owned(),
        service: service.name.clone(),
        phase: word(service.phase).to_owned(),
        url: service.url.clone(),
        crashes: service.crashes,
        message: service.trouble.clone(),
    }
}

/// The phase as people read it.
pub(crate) const fn word(phase: ServicePhase) -> &'static str {
    match phase {
        ServicePhase::Syncing => "syncing",
        ServicePhase::Building => "building",
        ServicePhase::Starting => "starting",
        ServicePhase::Ready => "ready",
        ServicePhase::Down => "down",
        ServicePhase::Failed => "failed",
        ServicePhase::Missing => "missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(services: &[(&str, ServicePhase, u32)]) -> WorkspaceState {
        let service = |(name, phase, crashes): &(&str, ServicePhase, u32)| ServiceState {
            name: (*name).to_owned(),
            phase: *phase,
            url: "http://127.0.0.1:1".to_owned(),
            trouble: if *phase == ServicePhase::Ready {
                String::new()
            } else {
                "first\nsecond".to_owned()
            },
            crashes: *crashes,
        };
        WorkspaceState {
            name: "shop".to_owned(),
            file: "devspace.yaml".into(),
            url: "http://localhost:7080".to_owned(),
            port_note: None,
            services: services.iter().map(service).collect(),
        }
    }

    #[test]
    fn a_start_ends_when_every_service_is_settled() {
        use ServicePhase::{Building, Down, Failed, Missing, Ready};
        assert_eq!(outcome(&state(&[("a", Ready, 0), ("b", Building, 0)])), None);
        assert_eq!(outcome(&state(&[("a", Down, 1)])), None, "it is started again");
        let ended = outcome(&state(&[
            ("a", Ready, 0),
            ("b", Missing, 0),
            ("c", Failed, 0),
            ("d", Down, 3),
        ]));
        assert_eq!(
            ended,
            Some(Outcome {
                failed: vec!["c".to_owned(), "d".to_owned()],
                missing: vec!["b".to_owned()],
            })
        );
        assert_eq!(
            waiting(&state(&[("a", Ready, 0), ("b", Building, 0)])),
            ["b is building (first)"]
        );
    }

    #[test]
    fn a_change_is_told_once() {
        let mut seen = BTreeMap::new();
        let building = state(&[("a", ServicePhase::Building, 0)]);
        assert_eq!(changes(&mut seen, &building).len(), 1);
        assert!(changes(&mut seen, &building).is_empty());
        assert_eq!(
            changes(&mut seen, &state(&[("a", ServicePhase::Ready, 0)])).len(),
            1
        );
    }
}
