//! Init containers of the baseline do not run again: they migrate databases and fill volumes of the baseline.

use k8s_openapi::api::core::v1::Container;

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// Whether this init container runs for as long as the pod (core/v1 Container, "restartPolicy").
fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

pub(super) fn apply(draft: &mut Draft, _input: &Input<'_>) -> Result<(), CopyRefusal> {
    for mut container in draft.pod.init_containers.take().unwrap_or_default() {
        let name = container.name.clone();
        if is_sidecar(&container) {
            // An init container of any kind adds a second to every start of the pod.
            container.restart_policy = None;
            draft.pod.containers.push(container);
            draft.change(format!("sidecar {name} starts beside the program, not before it"));
        } else {
            draft.change(format!("init container {name} dropped"));
        }
    }
    Ok(())
}
