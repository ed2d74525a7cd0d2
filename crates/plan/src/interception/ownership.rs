//! `metadata.managedFields`: giving back what our patch took from the owners of a Service.
//!
//! A patch that changes a field takes it from whoever owned it (Kubernetes documentation, "Server-Side Apply",
//! "Field management"). Without this step a later apply by the owner would conflict, or would not remove what it drops.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Value, json};

use devspace_api::names::{CLI_MANAGER, MANAGER};

use super::paths::{Path, Paths};

/// Whether a patch of ours still owns fields of the Service's spec.
#[must_use]
pub fn needs_hand_back(service: &Service) -> bool {
    entries(service)
        .iter()
        .any(|entry| is_ours(entry) && !fields(entry).under(&["f:spec"]).0.is_empty())
}

/// The patch that gives the spec's fields back to those who owned them in `before`, or `None` where none of them is ours.
///
/// `before` is the Service as it was when our patch was made. Without it (the program died between the two patches)
/// the fields go to those who own the ports they belong to.
/// A target port that nobody owned goes to the server-side applier of its port: so the applier's next apply, which
/// leaves it out, puts the default back in the same write that puts the selector back.
#[must_use]
pub fn hand_back(before: Option<&Service>, current: &Service) -> Option<Value> {
    if !needs_hand_back(current) {
        return None;
    }
    let mut now: Vec<(ManagedFieldsEntry, Paths)> = entries(current)
        .iter()
        .map(|entry| (entry.clone(), fields(entry)))
        .collect();
    let taken = take_ours(&mut now);
    let owners: Vec<(ManagedFieldsEntry, Paths)> = before
        .map(|before| {
            entries(before)
                .iter()
                .filter(|e| !is_ours(e))
                .map(|e| (e.clone(), fields(e)))
                .collect()
        })
        .unwrap_or_default();
    for path in &taken.0 {
        let mut owned = false;
        for (entry, _) in owners.iter().filter(|(_, paths)| paths.0.contains(path)) {
            give(&mut now, entry, path);
            owned = true;
        }
        if !owned {
            inherit(&mut now, path, before.is_some());
        }
    }
    now.retain(|(_, paths)| !paths.0.is_empty());
    let managed: Vec<ManagedFieldsEntry> = now
        .into_iter()
        .map(|(entry, paths)| ManagedFieldsEntry {
            fields_v1: Some(FieldsV1(paths.write())),
            ..entry
        })
        .collect();
    Some(json!({ "metadata": {
        "resourceVersion": current.metadata.resource_version,
        "managedFields": managed,
    }}))
}

fn entries(service: &Service) -> &[ManagedFieldsEntry] {
    service.metadata.managed_fields.as_deref().unwrap_or_default()
}

fn fields(entry: &ManagedFieldsEntry) -> Paths {
    entry
        .fields_v1
        .as_ref()
        .map(|fields| Paths::read(&fields.0))
        .unwrap_or_default()
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    is_ours_name(entry.manager.as_deref())
}

/// Whether a manager is one of our programs.
pub(super) fn is_ours_name(manager: Option<&str>) -> bool {
    matches!(manager, Some(MANAGER | CLI_MANAGER))
}

/// Takes the spec's fields out of our entries.
fn take_ours(now: &mut [(ManagedFieldsEntry, Paths)]) -> Paths {
    let mut taken = Paths::default();
    for (_, paths) in now.iter_mut().filter(|(entry, _)| is_ours(entry)) {
        let spec = paths.under(&["f:spec"]);
        paths.0.retain(|path| !spec.0.contains(path));
        taken.0.extend(spec.0);
    }
    taken
}

/// Adds `path` to the entry with the identity of `owner`. An entry that lost its last field is gone and comes back.
fn give(now: &mut Vec<(ManagedFieldsEntry, Paths)>, owner: &ManagedFieldsEntry, path: &Path) {
    let same = |entry: &ManagedFieldsEntry| {
        entry.manager == owner.manager
            && entry.operation == owner.operation
            && entry.api_version == owner.api_version
            && entry.subresource == owner.subresource
    };
    match now.iter_mut().find(|(entry, _)| same(entry)) {
        Some((_, paths)) => {
            paths.0.insert(path.clone());
        }
        None => now.push((owner.clone(), Paths([path.clone()].into()))),
    }
}

/// Gives a field without a known owner to those who own the port it belongs to, or any port for the selector.
/// Where the owners before are known, only the target port of a server-side applier is given.
fn inherit(now: &mut [(ManagedFieldsEntry, Paths)], path: &Path, owners_known: bool) {
    let target_of = path
        .split_last()
        .filter(|(last, _)| *last == "f:targetPort")
        .map(|(_, item)| item);
    for (entry, paths) in now
        .iter_mut()
        .filter(|(entry, _)| !is_ours(entry) && entry.subresource.is_none())
    {
        let applies = entry.operation.as_deref() == Some("Apply");
        let heir = match target_of {
            Some(item) => {
                let port: Path = item.iter().cloned().chain(["f:port".to_owned()]).collect();
                (applies || !owners_known) && paths.0.contains(&port)
            }
            None => !owners_known && !paths.under(&["f:spec", "f:ports"]).0.is_empty(),
        };
        if heir {
            paths.0.insert(path.clone());
        }
    }
}

#[cfg(test)]
mod tests;
