//! TEMP.

/// TEMP
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// TEMP
    #[error("another daemon runs: process {pid}")]
    Running {
        /// TEMP
        pid: u32,
    },
    /// TEMP
    #[error("TEMP")]
    Other,
}

/// TEMP
///
/// # Errors
/// TEMP
pub async fn serve(settings: crate::settings::Settings) -> Result<(), ServeError> {
    drop(settings);
    Ok(())
}
