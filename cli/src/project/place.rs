//! A place in a file.

use std::fmt;
use std::path::{Path, PathBuf};

/// File, line and column, both counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: PathBuf,
    /// Line and column, where they are known.
    pub(crate) at: Option<(u64, u64)>,
}

impl Place {
    /// The place of `location` in `file`.
    pub(super) fn new(file: &Path, location: Option<serde_saphyr::Location>) -> Self {
        let at = location
            .map(|location| (location.line(), location.column()))
            .filter(|(line, _)| *line > 0);
        Self {
            file: file.to_owned(),
            at,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.at {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}
