//! Where things are: the repository, the cache of builds, the state of a running cluster.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The repository's root: the parent of this package's folder.
pub(crate) fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Keeps this program's path. Later is too late: a run of cargo within `test` or `bench` writes a new program in the
/// place of this one, and the system then names the old as deleted.
///
/// # Errors
/// The system does not tell the path.
pub(crate) fn remember_program() -> Result<()> {
    let program = env::current_exe().context("cannot tell this program's path")?;
    PROGRAM.get_or_init(|| program);
    Ok(())
}

/// This program's path, as it was when it started.
///
/// # Errors
/// Nobody has called [`remember_program`].
pub(crate) fn program() -> Result<&'static Path> {
    PROGRAM
        .get()
        .map(PathBuf::as_path)
        .context("this program's path was not kept at its start")
}

/// The folder of builds that outlive a cluster: `$DEVSPACE_CACHE`, else `devspace` in the user's cache folder.
pub(crate) fn cache() -> Result<PathBuf> {
    cache_from(|name| env::var_os(name))
        .context("cannot tell where the cache is: set DEVSPACE_CACHE to a folder, or HOME")
}

fn cache_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("DEVSPACE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("devspace")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/devspace")))
}

/// The folder of the cluster's state: `$DEVSPACE_CLUSTER_STATE`, else `.devspace/cluster` in the repository.
/// The path is absolute, because programs in other folders and namespaces use it.
pub(crate) fn cluster_state() -> Result<PathBuf> {
    let folder = match env::var_os("DEVSPACE_CLUSTER_STATE").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => repository().join(".devspace/cluster"),
    };
    std::path::absolute(&folder).with_context(|| format!("cannot make {} absolute", folder.display()))
}

/// Makes a folder and its parents.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Writes a whole file.
pub(crate) fn write_file(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a whole text file.
pub(crate) fn read_file(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Holds a lock between processes until the returned file is dropped. The lock file stays.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    let file =
        fs::File::create(path).with_context(|| format!("cannot make the lock file {}", path.display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        cache_from(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_where_the_nearest_variable_says() {
        let all = [("DEVSPACE_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(cache_with(&all), Some("/a".into()));
        assert_eq!(
            cache_with(&[("XDG_CACHE_HOME", "/b"), ("HOME", "/c")]),
            Some("/b/devspace".into())
        );
        assert_eq!(
            cache_with(&[("XDG_CACHE_HOME", ""), ("HOME", "/c")]),
            Some("/c/.cache/devspace".into())
        );
        assert_eq!(cache_with(&[]), None);
    }
}
