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
    // A copy on its way out is none: its pod still answers, so no request fails for its end.
    let stays = |copy: &&&ServiceCopy| copy.metadata.deletion_timestamp.is_none();
    for copy in objects.iter().filter(stays) {
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
    fn a_copy_on_its_way_out_is_none() {
        let mut copy = ServiceCopy::new("package", Default::default());
        copy.spec.service = "package".into();
        copy.metadata.labels = Some([(SPACE_LABEL.to_owned(), "red".to_owned())].into());
        let seen = |copy: &ServiceCopy| copies(&[copy], &SpaceSet::default(), &mut Vec::new()).len();
        assert_eq!(seen(&copy), 1);
        copy.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
        ));
        assert_eq!(seen(&copy), 0);
    }

    #[test]
    fn hold_times_are_read() {
        assert_eq!(duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("-1s"), None);
        assert_eq!(duration("soon"), None);
    }
}
