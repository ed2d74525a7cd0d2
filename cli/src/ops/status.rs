//! `devspace status`: the copies in a space as rows.

use std::time::Duration;

use devspace_api::copy::{CopyMode, CopyPhase};
use devspace_api::{ServiceCopy, Space, condition};

use crate::engine::{Engine, EngineError};
use crate::event::CopyRow;
use crate::ops::copies;
use crate::ops::spaces::{self, SpaceError};
use crate::ops::target::Target;

/// The copies of the target's space, sorted by service.
///
/// # Errors
/// [`SpaceError`], if there is no such space or the engine does not answer.
pub(crate) async fn status(engine: &dyn Engine, target: &Target) -> Result<Vec<CopyRow>, SpaceError> {
    let space = spaces::existing(engine, &target.at()).await?;
    let copies = copies::in_space(engine, &space)
        .await
        .map_err(|error: EngineError| SpaceError::Engine(error))?;
    let rows = copies.iter().map(|copy| async {
        let mut row = row(target.space.as_str(), copy);
        row.revision = revision(engine, &space, copy).await;
        row
    });
    Ok(futures::future::join_all(rows).await)
}

/// How long an agent may take to say what its copy holds. A row without it is better than a row later.
const AGENT_ANSWERS: Duration = Duration::from_secs(2);

/// The revision that the agent says; `None` where there is no agent, or none that answers.
async fn revision(engine: &dyn Engine, space: &Space, copy: &ServiceCopy) -> Option<u64> {
    let has_pod = copy.status.as_ref().is_some_and(|status| status.pod.is_some());
    if copy.spec.mode != CopyMode::Agent || !has_pod {
        return None;
    }
    let reference = copies::reference(space, &copy.spec.service)?;
    let dial = engine.dial(&reference, devspace_core::ports::AGENT_CONTROL);
    let state = tokio::time::timeout(AGENT_ANSWERS, devspace_sync::session::look(dial.as_ref()))
        .await
        .ok()?
        .ok()?;
    Some(state.revision.0)
}

/// One copy as a row.
pub(crate) fn row(space: &str, copy: &ServiceCopy) -> CopyRow {
    let status = copy.status.clone().unwrap_or_default();
    let trouble = status
        .pod
        .as_ref()
        .map(|pod| pod.trouble.clone())
        .unwrap_or_default();
    let refusal = condition::find(&status.conditions, condition::kind::READY)
        .filter(|condition| condition.status != "True")
        .map(|condition| condition.message.clone())
        .unwrap_or_default();
    CopyRow {
        space: space.to_owned(),
        service: copy.spec.service.clone(),
        phase: phase(status.phase).to_owned(),
        routed: condition::is_true(&status.conditions, condition::kind::ROUTED),
        pod: status.pod.map(|pod| pod.name),
        revision: None,
        drift: condition::is_true(&status.conditions, condition::kind::DRIFT),
        message: if trouble.is_empty() { refusal } else { trouble },
        changes: status.changes,
    }
}

/// The phase as people read it.
pub(crate) const fn phase(phase: CopyPhase) -> &'static str {
    match phase {
        CopyPhase::Pending => "pending",
        CopyPhase::Starting => "starting",
        CopyPhase::Ready => "ready",
        CopyPhase::Down => "down",
        CopyPhase::Refused => "refused",
    }
}
