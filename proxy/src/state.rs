//! The last table on disk, so that a restarted router serves before the API server answers.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use devspace_core::table::RouteTable;

/// Name of the file, with the layout's version.
const FILE: &str = "table-1.json";

/// Why the table on disk cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// The file cannot be read.
    #[error("read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// The file is no table.
    #[error("understand {0}")]
    Parse(PathBuf, #[source] serde_json::Error),
    /// The table cannot be put into JSON.
    #[error("put the table into JSON")]
    Serialise(#[source] serde_json::Error),
    /// The file cannot be written.
    #[error("write {0}")]
    Write(PathBuf, #[source] io::Error),
}

/// The table of the last run, if there was one.
///
/// # Errors
/// [`StateError::Read`] or [`StateError::Parse`].
pub(crate) fn load(folder: &Path) -> Result<Option<RouteTable>, StateError> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| StateError::Parse(path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StateError::Read(path, error)),
    }
}

/// Replaces the table on disk: whoever reads sees the old one or the new one, whole.
///
/// # Errors
/// [`StateError::Serialise`] or [`StateError::Write`].
pub(crate) fn store(folder: &Path, table: &RouteTable) -> Result<(), StateError> {
    let text = serde_json::to_vec(table).map_err(StateError::Serialise)?;
    let path = folder.join(FILE);
    let fresh = folder.join(format!("{FILE}.new"));
    let written = std::fs::File::create(&fresh).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_data()
    });
    written
        .and_then(|()| std::fs::rename(&fresh, &path))
        .map_err(|error| StateError::Write(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_a_torn_file_is_told_from_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).unwrap().is_none());
        let mut table = RouteTable::default();
        table.gateway.hosts.push("shop.test".into());
        store(folder.path(), &table).unwrap();
        assert_eq!(load(folder.path()).unwrap().unwrap(), table);
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(matches!(load(folder.path()), Err(StateError::Parse(..))));
    }
}
