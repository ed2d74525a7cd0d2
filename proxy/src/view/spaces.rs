//! Spaces and copies.

use std::time::Duration;

use devspace_api::copy::Fallback;
use devspace_api::names::SPACE_LABEL;
use devspace_api::{ServiceCopy, Space};
use devspace_core::chain::{SpaceSet, SpaceView};
use devspace_core::table::CopyView;
use devspace_core::{ServiceName, SpaceName};
use k8s_openapi::jiff::SignedDuration;
use kube::ResourceExt;

use super::LeftOut;

/// How long requests wait for a copy that says nothing about it.
const HOLD: Duration = Duration::from_secs(30);

pub(super) fn spaces(objects: &[&Space], left_out: &mut Vec<LeftOut>) -> SpaceSet {
    let mut views = Vec::new();
    for space in objects {
        let parent = space.spec.parent.as_deref().map(SpaceName::try_new).transpose();
        match SpaceName::try_new(&space.name_any()).and_then(|name| Ok((name, parent?))) {
            Ok((name, parent)) => {
                let namespace = space.status.as_ref().and_then(|status| status.namespace.clone());
                views.push((name, SpaceView { parent, namespace }));
            }
            Err(error) => left_out.push(LeftOut::Name("Space", space.name_any(), error)),
        }
    }
    views.into_iter().collect()
}

pub(super) fn copies(
    objects: &[&ServiceCopy],
    spaces: &SpaceSet,
    left_out: &mut Vec<LeftOut>,
) -> Vec<CopyView> {
    let view = |copy: &ServiceCopy| {
        let namespace = copy.namespace().unwrap_or_default();
        let space = match copy.labels().get(SPACE_LABEL) {
            Some(label) => SpaceName::try_new(label)?,
            // The namespace says it as well, and it is what counts in the end.
            None => match spaces
                .iter()
                .find(|(_, view)| view.namespace.as_ref() == Some(&namespace))
            {
                Some((name, _)) => name.clone(),
                None => return Ok(None),
            },
        };
        Ok(Some(CopyView {
            space,
            namespace,
            service: ServiceName::try_new(&copy.spec.service)?,
            hold: copy.spec.hold.as_deref().and_then(duration).unwrap_or(HOLD),
            fallback_to_parent: copy.spec.fallback == Fallback::Parent,
            ever_ready: copy.status.as_ref().is_some_and(|status| status.ever_ready),
        }))
    };
    let mut views = Vec::new();
    for copy in objects {
        match view(copy) {
            Ok(found) => views.extend(found),
            Err(error) => left_out.push(LeftOut::Name("ServiceCopy", copy.name_any(), error)),
        }
    }
    views
}

/// `30s`, `2m`, `1h30m`.
fn duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_times_are_read() {
        assert_eq!(duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("-1s"), None);
        assert_eq!(duration("soon"), None);
    }
}
