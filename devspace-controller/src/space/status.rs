//! What a Space's status says. Pure.

use std::sync::Arc;

use devspace_api::condition::{self, kind};
use devspace_api::{Baseline, Space, SpaceStatus};
use devspace_core::SpaceName;
use devspace_core::chain::{SpaceSet, SpaceView};
use devspace_plan::space::limits::{Counted, is_over};
use devspace_plan::space::{self as plan, SpaceIdentity};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};

use super::objects;

/// What a reconcile saw.
pub(super) struct Seen<'a> {
    pub(super) space: &'a Space,
    pub(super) baseline: Option<&'a Baseline>,
    /// Every Space of the baseline.
    pub(super) all: Vec<Arc<Space>>,
}

/// Why there is no personal namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// Why this Space may not have a personal namespace. One that has it keeps it.
pub(super) fn refusal(seen: &Seen<'_>) -> Option<Refusal> {
    let Some(baseline) = seen.baseline else {
        let message =
            "this namespace has no Baseline; an admin makes one with `devspace baseline enable`".to_owned();
        return Some(Refusal {
            reason: "NoBaseline",
            message,
        });
    };
    if has_namespace(seen.space) {
        return None;
    }
    let count = |space: &Arc<Space>| Counted {
        created: space.creation_timestamp(),
        name: space.name_any(),
    };
    let all: Vec<Counted> = live(seen).map(count).collect();
    let limit = baseline.spec.limits.spaces;
    is_over(&seen.space.name_any(), &all, limit).then(|| Refusal {
        reason: "TooManySpaces",
        message: format!(
            "the Baseline lets {} spaces exist at once",
            limit.unwrap_or_default()
        ),
    })
}

fn has_namespace(space: &Space) -> bool {
    space
        .status
        .as_ref()
        .is_some_and(|status| status.namespace.is_some())
}

fn live<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = &'a Arc<Space>> {
    seen.all
        .iter()
        .filter(|space| space.meta().deletion_timestamp.is_none())
}

/// The whole status, where `place` is the personal namespace or why there is none.
pub(super) fn status(
    seen: &Seen<'_>,
    identity: &SpaceIdentity<'_>,
    place: Result<String, Refusal>,
) -> SpaceStatus {
    let generation = seen.space.meta().generation;
    let old = seen.space.status.clone().unwrap_or_default();
    let (chain, broken) = chain(seen, identity);
    let ready = |ok, reason, message| objects::condition(kind::READY, ok, reason, message, generation);
    let (namespace, ready) = match (place, broken) {
        // A namespace that was ours stays in the status: copies in it go on.
        (Err(refusal), _) => (old.namespace, ready(false, refusal.reason, refusal.message)),
        (Ok(namespace), Some(broken)) => (Some(namespace), ready(false, broken.reason, broken.message)),
        (Ok(namespace), None) => (Some(namespace), ready(true, "Made", String::new())),
    };
    let mut conditions: Vec<Condition> = old.conditions;
    condition::set(&mut conditions, ready);
    let hosts = seen.baseline.map(hosts).unwrap_or_default();
    let name = SpaceName::try_new(identity.name);
    let urls = name.map(|name| plan::urls(&name, &hosts)).unwrap_or_default();
    SpaceStatus {
        observed_generation: generation,
        namespace,
        urls,
        chain,
        conditions,
    }
}

fn hosts(baseline: &Baseline) -> Vec<String> {
    let found = baseline
        .status
        .as_ref()
        .map(|status| status.hosts.clone())
        .unwrap_or_default();
    if found.is_empty() {
        baseline.spec.hosts.clone()
    } else {
        found
    }
}

/// The chain, or the space alone with what is wrong with its parents.
fn chain(seen: &Seen<'_>, identity: &SpaceIdentity<'_>) -> (Vec<String>, Option<Refusal>) {
    let alone = vec![identity.name.to_owned()];
    let Ok(name) = SpaceName::try_new(identity.name) else {
        return (alone, None);
    };
    let view = |space: &Arc<Space>| {
        let parent = space
            .spec
            .parent
            .as_deref()
            .and_then(|parent| SpaceName::try_new(parent).ok());
        let own = SpaceName::try_new(&space.name_any()).ok()?;
        Some((
            own,
            SpaceView {
                parent,
                namespace: None,
            },
        ))
    };
    let mut all: Vec<(SpaceName, SpaceView)> = live(seen).filter_map(view).collect();
    // The store may be a moment behind the object in hand.
    let parent = seen
        .space
        .spec
        .parent
        .as_deref()
        .and_then(|parent| SpaceName::try_new(parent).ok());
    all.push((
        name.clone(),
        SpaceView {
            parent,
            namespace: None,
        },
    ));
    let set: SpaceSet = all.into_iter().collect();
    let limits = seen
        .baseline
        .map(|baseline| baseline.spec.limits.clone())
        .unwrap_or_default();
    match plan::chain(&name, &set, &limits) {
        Ok(chain) => (chain.spaces().iter().map(ToString::to_string).collect(), None),
        Err(error) => {
            let message = error.to_string();
            (
                alone,
                Some(Refusal {
                    reason: plan::chain_reason(&error),
                    message,
                }),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use devspace_api::{BaselineSpec, SpaceSpec};

    use super::*;

    fn space(name: &str, parent: Option<&str>) -> Space {
        let spec = SpaceSpec {
            owner: "ann".into(),
            parent: parent.map(Into::into),
            ..SpaceSpec::default()
        };
        let mut space = Space::new(name, spec);
        space.metadata.namespace = Some("shop".into());
        space.metadata.generation = Some(3);
        space
    }

    fn baseline(spaces: Option<u32>) -> Baseline {
        let mut spec = BaselineSpec {
            hosts: vec!["shop.example.test".into()],
            ..BaselineSpec::default()
        };
        spec.limits.spaces = spaces;
        Baseline::new("baseline", spec)
    }

    const RED: SpaceIdentity<'_> = SpaceIdentity {
        baseline: "shop",
        name: "red",
        uid: "u",
    };

    fn ready(status: &SpaceStatus) -> (String, String) {
        let found = condition::find(&status.conditions, kind::READY).unwrap();
        (found.status.clone(), found.reason.clone())
    }

    #[test]
    fn a_whole_space_is_ready_with_its_chain_and_address() {
        let (red, team, baseline) = (space("red", Some("team")), space("team", None), baseline(None));
        let all = vec![Arc::new(red.clone()), Arc::new(team)];
        let seen = Seen {
            space: &red,
            baseline: Some(&baseline),
            all,
        };
        assert_eq!(refusal(&seen), None);
        let status = status(&seen, &RED, Ok("devspace-shop--red".into()));
        assert_eq!(status.chain, ["red", "team"]);
        assert_eq!(status.urls, ["http://red.s.shop.example.test/"]);
        assert_eq!(status.observed_generation, Some(3));
        assert_eq!(ready(&status), ("True".into(), "Made".into()));
    }

    #[test]
    fn a_broken_parent_is_a_condition_and_the_namespace_stays() {
        let (red, baseline) = (space("red", Some("gone")), baseline(None));
        let seen = Seen {
            space: &red,
            baseline: Some(&baseline),
            all: vec![Arc::new(red.clone())],
        };
        let status = status(&seen, &RED, Ok("devspace-shop--red".into()));
        assert_eq!(ready(&status), ("False".into(), "ParentMissing".into()));
        assert_eq!(status.namespace.as_deref(), Some("devspace-shop--red"));
        assert_eq!(status.chain, ["red"]);
    }

    #[test]
    fn a_space_above_the_limit_is_refused_and_one_that_has_its_namespace_is_not() {
        let (mut red, blue, baseline) = (space("red", None), space("blue", None), baseline(Some(1)));
        let all = vec![Arc::new(red.clone()), Arc::new(blue)];
        let seen = Seen {
            space: &red,
            baseline: Some(&baseline),
            all: all.clone(),
        };
        assert_eq!(refusal(&seen).unwrap().reason, "TooManySpaces");
        red.status = Some(SpaceStatus {
            namespace: Some("x".into()),
            ..SpaceStatus::default()
        });
        assert_eq!(
            refusal(&Seen {
                space: &red,
                baseline: Some(&baseline),
                all
            }),
            None
        );
    }

    #[test]
    fn an_unchanged_space_gives_the_same_status() {
        let (mut red, baseline) = (space("red", None), baseline(None));
        let first = {
            let seen = Seen {
                space: &red,
                baseline: Some(&baseline),
                all: vec![Arc::new(red.clone())],
            };
            status(&seen, &RED, Ok("ns".into()))
        };
        red.status = Some(first.clone());
        let seen = Seen {
            space: &red,
            baseline: Some(&baseline),
            all: vec![Arc::new(red.clone())],
        };
        assert_eq!(status(&seen, &RED, Ok("ns".into())), first);
    }
}
