//! `devspace status`: the copies in a space as rows.

use std::time::Duration;

use devspace_api::copy::{CopyMode, CopyPhase};
use devspace_api::{ServiceCopy, Space, condition};
use devspace_sync::manifest::Manifest;
use devspace_sync::protocol::State;
use devspace_sync::rules::Rules;
use devspace_sync::scan::{LocalTree, scan};
use devspace_sync::session::RootHash;

use crate::engine::{Engine, EngineError};
use crate::event::CopyRow;
use crate::ops::copies;
use crate::ops::spaces::{self, SpaceError};
use crate::ops::target::Target;
use crate::project::Project;

/// The copies of the target's space, sorted by service. That of the project `here` is compared with its folder.
///
/// # Errors
/// [`SpaceError`], if there is no such space or the engine does not answer.
pub(crate) async fn status(
    engine: &dyn Engine,
    target: &Target,
    here: Option<Project>,
) -> Result<Vec<CopyRow>, SpaceError> {
    let space = spaces::existing(engine, &target.at()).await?;
    let copies = copies::in_space(engine, &space)
        .await
        .map_err(|error: EngineError| SpaceError::Engine(error))?;
    let of_here = |copy: &ServiceCopy| {
        here.as_ref()
            .filter(|project| project.service.as_str() == copy.spec.service)
    };
    let rows = copies.iter().map(|copy| async {
        let mut row = row(target.space.as_str(), copy);
        let state = state(engine, &space, copy).await;
        row.revision = state.as_ref().map(|state| state.revision.0);
        if let (Some(state), Some(project)) = (state, of_here(copy)) {
            row.in_sync = root(project).await.map(|root| root == state.root);
        }
        row
    });
    Ok(futures::future::join_all(rows).await)
}

/// How long an agent may take to say what its copy holds. A row without it is better than a row later.
const AGENT_ANSWERS: Duration = Duration::from_secs(2);

/// What the agent says that the copy holds; `None` where there is no agent, or none that answers.
async fn state(engine: &dyn Engine, space: &Space, copy: &ServiceCopy) -> Option<State> {
    let has_pod = copy.status.as_ref().is_some_and(|status| status.pod.is_some());
    if copy.spec.mode != CopyMode::Agent || !has_pod {
        return None;
    }
    let reference = copies::reference(space, &copy.spec.service)?;
    let dial = engine.dial(&reference, devspace_core::ports::AGENT_CONTROL);
    tokio::time::timeout(AGENT_ANSWERS, devspace_sync::session::look(dial.as_ref()))
        .await
        .ok()?
        .ok()
}

/// The root over the folders of `project`, every file read. `None` if they cannot be read.
async fn root(project: &Project) -> Option<RootHash> {
    let rules: Vec<(String, Rules)> = project
        .sync
        .iter()
        .map(|rule| (rule.to.clone(), Rules::new(&rule.from, &rule.only)))
        .collect();
    let read = tokio::task::spawn_blocking(move || {
        let mut manifest = Manifest::default();
        for (to, rules) in rules {
            let scanned = scan(&rules, &LocalTree::default()).ok()?;
            manifest.roots.insert(to, scanned.tree.to_tree());
        }
        Some(manifest.root())
    });
    read.await.ok()?
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
        in_sync: None,
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
