//! TEMP.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::protocol::STATE_VARIABLE;

/// TEMP
#[derive(Debug, Clone)]
pub struct Settings {
    /// TEMP
    pub state: PathBuf,
    /// TEMP
    pub user: String,
    /// TEMP
    pub agent: Vec<OsString>,
}

/// TEMP
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    /// TEMP
    #[error("{STATE_VARIABLE} is `{0}`; it must be an absolute path")]
    Relative(PathBuf),
}

/// TEMP
///
/// # Errors
/// TEMP
pub fn state_folder() -> Result<PathBuf, StateFolderError> {
    let set = PathBuf::from(std::env::var_os(STATE_VARIABLE).unwrap_or_default());
    if set.is_absolute() { Ok(set) } else { Err(StateFolderError::Relative(set)) }
}
