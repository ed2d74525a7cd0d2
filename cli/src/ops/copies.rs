//! What several verbs need to know of copies.

use devspace_api::{ServiceCopy, Space};

use crate::engine::{CopyRef, Engine, EngineError};

/// The copies in `space`; none while it has no namespace.
///
/// # Errors
/// [`EngineError`].
pub(crate) async fn in_space(engine: &dyn Engine, space: &Space) -> Result<Vec<ServiceCopy>, EngineError> {
    let Some(namespace) = namespace(space) else {
        return Ok(Vec::new());
    };
    let mut copies = engine.copies().list(&namespace).await?;
    copies.sort_by(|a, b| a.spec.service.cmp(&b.spec.service));
    Ok(copies)
}

/// The personal namespace.
pub(crate) fn namespace(space: &Space) -> Option<String> {
    space.status.as_ref().and_then(|status| status.namespace.clone())
}

/// A reference to the copy of `service` in `space`; `None` while it has no namespace.
pub(crate) fn reference(space: &Space, service: &str) -> Option<CopyRef> {
    Some(CopyRef {
        baseline: space.metadata.namespace.clone()?,
        space: space.metadata.name.clone()?,
        service: service.to_owned(),
        namespace: namespace(space)?,
    })
}
