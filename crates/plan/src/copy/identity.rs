//! The copy's ServiceAccount: pull secrets and nothing else.

use k8s_openapi::api::core::v1::LocalObjectReference;

use super::draft::Draft;
use super::{CopyRefusal, Input, objects};
use crate::mirror::{Reference, ReferenceKind, mirrored_name};

/// Annotations on a ServiceAccount that stand for an identity at a cloud.
const CLOUD: [&str; 3] = ["eks.amazonaws.com/", "iam.gke.io/", "azure.workload.identity/"];

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let service = &input.spec.service;
    let before = draft
        .pod
        .service_account_name
        .replace(objects::workload_name(service));
    // The deprecated alias follows the name (core/v1 PodSpec, "serviceAccount").
    draft.pod.service_account = None;
    let automount = draft.pod.automount_service_account_token.replace(false);
    let before = before.unwrap_or_else(|| "default".to_owned());
    if before != "default" || automount == Some(true) {
        draft.change(format!(
            "service account {before} replaced by one with no rights, no token is mounted"
        ));
    }
    let Some(account) = input.context.service_account else {
        return Ok(());
    };
    let annotations = account.metadata.annotations.iter().flatten();
    let cloud = annotations
        .filter(|(key, _)| CLOUD.iter().any(|prefix| key.starts_with(prefix)))
        .count();
    if cloud > 0 {
        draft.change(format!(
            "cloud identity of service account {before} does not follow"
        ));
    }
    for secret in account
        .image_pull_secrets
        .iter()
        .flatten()
        .filter(|secret| !secret.name.is_empty())
    {
        draft.references.push(Reference {
            kind: ReferenceKind::Secret,
            name: secret.name.clone(),
            needed_by: format!("service account {before}, to pull images"),
            optional: true,
        });
        draft.pull_secrets.push(LocalObjectReference {
            name: mirrored_name(service, &secret.name),
        });
    }
    Ok(())
}
