//! Probes and hooks: a breakpoint must not get the program killed or taken out of the route.

use devspace_core::ports::AGENT_READY;
use k8s_openapi::api::core::v1::{HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::draft::Draft;
use super::{CopyRefusal, Input};

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let main = &mut draft.main;
    let mut gone = Vec::new();
    if main.liveness_probe.take().is_some() {
        gone.push("liveness probe dropped");
    }
    if main.startup_probe.take().is_some() {
        gone.push("startup probe dropped");
    }
    if main.lifecycle.take().is_some() {
        gone.push("lifecycle hooks dropped");
    }
    if input.agent() && main.readiness_probe.replace(by_agent()).is_some() {
        gone.push("readiness probe replaced by the agent's");
    }
    for what in gone {
        draft.change(what.to_owned());
    }
    Ok(())
}

/// The agent says whether the program has listened and is alive.
fn by_agent() -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some("/ready".to_owned()),
            port: IntOrString::Int(i32::from(AGENT_READY)),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(1),
        timeout_seconds: Some(1),
        failure_threshold: Some(2),
        ..Probe::default()
    }
}
