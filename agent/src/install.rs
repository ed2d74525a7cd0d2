//! `devspace-agent install`: brings the binary and the folders of the volume into a pod, with no shell.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Which step failed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A folder could not be made.
    #[error("cannot make {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The binary could not be copied.
    #[error("cannot copy the agent to {}", path.display())]
    Copy {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Makes `folders` (the kubelet would make them for root only), then copies this binary to `to` as `devspace-agent`.
/// The folders are open to every user of the pod: the service's image may run as a user that nobody here knows.
///
/// # Errors
/// [`InstallError`] names the step.
pub fn install(to: &Path, folders: &[PathBuf]) -> Result<(), InstallError> {
    for folder in folders.iter().map(PathBuf::as_path).chain([to]) {
        fs::create_dir_all(folder).map_err(|source| InstallError::Folder {
            path: folder.to_owned(),
            source,
        })?;
    }
    for folder in folders {
        // A folder of an earlier pod may be another user's, and is open already.
        drop(fs::set_permissions(folder, Permissions::from_mode(0o777)));
    }
    let path = to.join("devspace-agent");
    let copy = || {
        let fresh = to.join("devspace-agent.new");
        fs::copy("/proc/self/exe", &fresh)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o755))?;
        // Never half a binary under the name that the next container starts.
        fs::rename(&fresh, &path)
    };
    copy().map_err(|source| InstallError::Copy {
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_and_the_folders_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, sub) = (folder.path().join("bin"), folder.path().join("volume/src/0"));
        install(&bin, std::slice::from_ref(&sub)).unwrap();
        install(&bin, std::slice::from_ref(&sub)).unwrap();
        assert_eq!(fs::metadata(&sub).unwrap().permissions().mode() & 0o777, 0o777);
        let mode = fs::metadata(bin.join("devspace-agent"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
