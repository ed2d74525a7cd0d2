//! The image of the developer's container.

use super::draft::Draft;
use super::{CopyRefusal, Input};

pub(super) fn apply(draft: &mut Draft, input: &Input<'_>) -> Result<(), CopyRefusal> {
    let Some(image) = &input.spec.image else {
        return Ok(());
    };
    if draft.main.image.as_ref() == Some(image) {
        return Ok(());
    }
    let before = draft.main.image.replace(image.clone()).unwrap_or_default();
    // The policy was chosen for the other image; Kubernetes has a default for this one.
    draft.main.image_pull_policy = None;
    draft.change(format!("image {before} replaced by {image}"));
    Ok(())
}
