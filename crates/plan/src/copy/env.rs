//! Environment variables of the developer's container.

use k8s_openapi::api::core::v1::EnvVar;

use super::draft::Draft;
use super::{CopyRefusal, Input};

/// What stands for the space's name in a value.
const SPACE: &str = "${space}";

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    for (name, value) in &input.spec.env {
        let value = value.replace(SPACE, input.context.space);
        let variable = EnvVar {
            name: name.clone(),
            value: Some(value),
            value_from: None,
        };
        let all = draft.main.env.get_or_insert_default();
        // The place counts: later variables may refer to earlier ones.
        let replaced = match all.iter_mut().find(|old| old.name == *name) {
            Some(old) => {
                *old = variable;
                true
            }
            None => {
                all.push(variable);
                false
            }
        };
        let what = if replaced { "replaced" } else { "added" };
        draft.change(format!("variable {name} {what}"));
    }
    Ok(())
}
