//! What the daemon is told at its start, and where its state folder is.

use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

use crate::protocol::STATE_VARIABLE;

/// What [`serve`](crate::serve::serve) is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The state folder. It is made if it is not there.
    pub state: PathBuf,
    /// The user whom the daemon works for, as objects name their owner.
    pub user: String,
    /// Program and arguments that start an agent, which runs [`agent`](crate::agent::agent).
    pub agent: Vec<OsString>,
}

/// Why there is no state folder.
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    /// The user has no home folder.
    #[error(
        "there is no place for the local engine's state: HOME is not set; set {STATE_VARIABLE} to a folder"
    )]
    NoHome(#[source] etcetera::HomeDirError),
    /// The variable holds a relative path.
    #[error("{STATE_VARIABLE} is `{0}`; it must be an absolute path")]
    Relative(PathBuf),
}

/// The state folder: `$DEVSPACE_LOCAL_STATE`, else `$XDG_STATE_HOME/devspace/local`, else
/// `~/.local/state/devspace/local`. It need not exist.
///
/// # Errors
/// [`StateFolderError`] names the variable that must be set.
pub fn state_folder() -> Result<PathBuf, StateFolderError> {
    if let Some(set) = std::env::var_os(STATE_VARIABLE).filter(|set| !set.is_empty()) {
        let set = PathBuf::from(set);
        return if set.is_absolute() {
            Ok(set)
        } else {
            Err(StateFolderError::Relative(set))
        };
    }
    let places = Xdg::new().map_err(StateFolderError::NoHome)?;
    let state = places
        .state_dir()
        .unwrap_or_else(|| places.home_dir().join(".local/state"));
    Ok(state.join("devspace/local"))
}
