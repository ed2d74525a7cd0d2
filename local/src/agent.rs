//! TEMP.

/// TEMP
#[derive(Debug, thiserror::Error)]
#[error("TEMP")]
pub struct AgentError;

/// TEMP
///
/// # Errors
/// TEMP
pub async fn agent() -> Result<(), AgentError> {
    Ok(())
}
