//! The restricted pod security level, as far as the template permits.
//!
//! What runs as root in the baseline may need what the level takes away, so only a container that says that it does not
//! run as root is brought to the level.

use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, SeccompProfile, SecurityContext};

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// Group of the copy's volumes where the template names none, so that a claim is writable for any user.
/// It is the group of the agent's image.
const VOLUME_GROUP: i64 = 65_532;

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let agent = input.agent();
    let pod = draft.pod.security_context.get_or_insert_default();
    pod.seccomp_profile.get_or_insert_with(runtime_default);
    if agent && pod.fs_group.is_none() {
        pod.fs_group = Some(VOLUME_GROUP);
        pod.fs_group_change_policy = Some("OnRootMismatch".to_owned());
    }
    let pod = pod.clone();
    for container in draft.containers_mut() {
        let own = container.security_context.clone().unwrap_or_default();
        if is_non_root(&own, &pod) {
            container.security_context = Some(restricted(own));
        }
    }
    Ok(())
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile {
        type_: "RuntimeDefault".to_owned(),
        localhost_profile: None,
    }
}

/// Whether a container says, itself or by its pod, that it does not run as root. The container's word wins.
pub(super) fn is_non_root(container: &SecurityContext, pod: &PodSecurityContext) -> bool {
    match container.run_as_user.or(pod.run_as_user) {
        Some(user) => user != 0,
        None => container.run_as_non_root.or(pod.run_as_non_root) == Some(true),
    }
}

/// `own` at the restricted level.
pub(super) fn restricted(own: SecurityContext) -> SecurityContext {
    let capabilities = own.capabilities.clone().unwrap_or_default();
    SecurityContext {
        run_as_non_root: Some(true),
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..capabilities
        }),
        ..own
    }
}
