//! `devspace list` and `devspace space show`: spaces as rows.

use devspace_api::{Space, condition};
use futures::future::join_all;
use jiff::Timestamp;

use crate::engine::{Engine, EngineError};
use crate::event::SpaceRow;
use crate::ops::copies;

/// The spaces of `baseline`, sorted by name; with `owner` only theirs.
///
/// # Errors
/// [`EngineError`]. A personal namespace that the caller may not look into is no error.
pub(crate) async fn list(
    engine: &dyn Engine,
    baseline: &str,
    owner: Option<&str>,
    now: Timestamp,
) -> Result<Vec<SpaceRow>, EngineError> {
    let mut spaces = engine.spaces().list(baseline).await?;
    spaces.retain(|space| owner.is_none_or(|owner| space.spec.owner == owner));
    spaces.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(join_all(spaces.iter().map(|space| row(engine, space, now))).await)
}

/// One space as a row.
pub(crate) async fn row(engine: &dyn Engine, space: &Space, now: Timestamp) -> SpaceRow {
    let services = copies::in_space(engine, space).await.ok();
    let status = space.status.clone().unwrap_or_default();
    let created = space.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let message = condition::find(&status.conditions, condition::kind::READY)
        .filter(|condition| condition.status != "True")
        .map(|condition| condition.message.clone())
        .unwrap_or_default();
    SpaceRow {
        space: space.metadata.name.clone().unwrap_or_default(),
        baseline: space.metadata.namespace.clone().unwrap_or_default(),
        owner: space.spec.owner.clone(),
        parent: space.spec.parent.clone(),
        namespace: status.namespace,
        services: services.map(|copies| copies.into_iter().map(|copy| copy.spec.service).collect()),
        url: status.urls.first().cloned(),
        ready: condition::is_true(&status.conditions, condition::kind::READY),
        message,
        created: created.map(|time| time.to_string()),
        age: created.map_or_else(String::new, |created| age(created, now)),
    }
}

/// How old something is, in its largest unit, as kubectl shows it.
pub(crate) fn age(created: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(created).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(age(at(0), at(5)), "5s");
        assert_eq!(age(at(0), at(600)), "10m");
        assert_eq!(age(at(0), at(7200)), "2h");
        assert_eq!(age(at(0), at(3 * 86_400)), "3d");
        // A clock that runs behind the cluster's.
        assert_eq!(age(at(10), at(0)), "0s");
    }
}
