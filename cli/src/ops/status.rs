//! `devspace status`: the copies in a space as rows.

use devspace_api::copy::CopyPhase;
use devspace_api::{ServiceCopy, condition};

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
    Ok(copies
        .iter()
        .map(|copy| row(target.space.as_str(), copy))
        .collect())
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
        program: None,
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
