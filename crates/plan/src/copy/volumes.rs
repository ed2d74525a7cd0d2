//! Volumes: data of the baseline and of its nodes becomes empty volumes.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, Volume};

use super::draft::Draft;
use super::{CopyRefusal, Input};

pub(super) fn apply(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    let mounts = draft
        .containers()
        .flat_map(|container| container.volume_mounts.iter().flatten());
    let mounted: BTreeSet<String> = mounts.map(|mount| mount.name.clone()).collect();
    let mut kept = Vec::new();
    for volume in draft.pod.volumes.take().unwrap_or_default() {
        if !mounted.contains(&volume.name) {
            continue;
        }
        if let Some(source) = replaced(&volume) {
            draft.change(format!("volume {} ({source}) is empty", volume.name));
            kept.push(empty(volume.name));
            continue;
        }
        if has_token(&volume) {
            let name = &volume.name;
            draft.change(format!(
                "token in volume {name} is of the copy's own service account, which has no rights"
            ));
        }
        kept.push(volume);
    }
    draft.pod.volumes = (!kept.is_empty()).then_some(kept);
    Ok(())
}

fn empty(name: String) -> Volume {
    Volume {
        name,
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

/// What `volume` was, where it may not be what it was. Everything but the kinds named here is replaced, so that
/// a kind that this version does not know gives no way to the node or to the baseline's data.
fn replaced(volume: &Volume) -> Option<String> {
    let harmless = volume.empty_dir.is_some()
        || volume.config_map.is_some()
        || volume.secret.is_some()
        || volume.projected.is_some()
        || volume.downward_api.is_some()
        || volume.image.is_some();
    if harmless {
        return None;
    }
    let source = if let Some(claim) = &volume.persistent_volume_claim {
        format!("claim {}", claim.claim_name)
    } else if let Some(path) = &volume.host_path {
        format!("path {} of the node", path.path)
    } else if volume.ephemeral.is_some() {
        "claim of the pod".to_owned()
    } else if let Some(csi) = &volume.csi {
        format!("driver {}", csi.driver)
    } else {
        "network or node storage".to_owned()
    };
    Some(source)
}

fn has_token(volume: &Volume) -> bool {
    let sources = volume
        .projected
        .iter()
        .flat_map(|projected| projected.sources.iter().flatten());
    sources
        .into_iter()
        .any(|source| source.service_account_token.is_some())
}
