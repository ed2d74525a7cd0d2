//! The state folder: what lies where, and the lock that keeps a second daemon out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::protocol::SOCKET;

/// The longest path of a Unix socket (unix(7)), its end not counted.
const SOCKET_PATH_MAX: usize = 107;
/// What the longest path of a socket below the state folder adds to it: `/run/`, a hash and a letter.
const SOCKET_ROOM: usize = 24;

/// The state folder.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// Held for as long as the daemon runs. The kernel gives it up when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It cannot be made or read.
    #[error("the state folder {} cannot be used; set DEVSPACE_LOCAL_STATE to a folder of yours", path.display())]
    Folder {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A Unix socket's path has a limit, and this folder's is over it.
    #[error(
        "the state folder's path {} is too long for a socket (at most {} bytes); set DEVSPACE_LOCAL_STATE to a shorter one",
        .0.display(),
        SOCKET_PATH_MAX - SOCKET_ROOM
    )]
    TooLong(PathBuf),
    /// Another daemon has the folder.
    #[error("the local engine runs already (pid {pid})")]
    Running {
        /// Its process; 0 where it cannot be told.
        pid: u32,
    },
}

// === impl Home ===

impl Home {
    /// Makes the folder, for its owner only, and takes its lock.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Lock), HomeError> {
        let failed = |source| HomeError::Folder {
            path: folder.to_owned(),
            source,
        };
        if folder.as_os_str().len() > SOCKET_PATH_MAX - SOCKET_ROOM {
            return Err(HomeError::TooLong(folder.to_owned()));
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        // A folder that was there may be open to others; the socket in it must not be.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        let home = Self(folder.to_owned());
        let lock = home.lock(failed)?;
        for below in ["objects", "workspaces", "processes", "run", "trash"] {
            fs::create_dir_all(folder.join(below)).map_err(failed)?;
        }
        Ok((home, lock))
    }

    fn lock(&self, failed: impl Fn(io::Error) -> HomeError) -> Result<Lock, HomeError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.0.join("lock"))
            .map_err(&failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Without the number the message is less helpful, and still right.
                let _ = file.read_to_string(&mut text);
                return Err(HomeError::Running {
                    pid: text.trim().parse().unwrap_or_default(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()));
        written.map_err(failed)?;
        Ok(Lock { _file: file })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join(SOCKET)
    }

    pub(crate) fn daemon_file(&self) -> PathBuf {
        self.0.join("daemon.json")
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.0.join("objects")
    }

    pub(crate) fn processes(&self) -> PathBuf {
        self.0.join("processes")
    }

    /// Sockets of agents. Their names are short, since a socket's path is.
    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// What is to be removed is moved here first, so that its name is free at once.
    pub(crate) fn trash(&self) -> PathBuf {
        self.0.join("trash")
    }

    pub(crate) fn workspaces(&self) -> PathBuf {
        self.0.join("workspaces")
    }

    pub(crate) fn workspace(&self, name: &str) -> PathBuf {
        self.workspaces().join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_told_who_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/b");
        let (home, lock) = Home::open(&state).unwrap();
        let mode = fs::metadata(home.folder()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        match Home::open(&state) {
            Err(HomeError::Running { pid }) => assert_eq!(pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(lock);
        Home::open(&state).unwrap();
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused() {
        let long = std::env::temp_dir().join("x".repeat(90));
        let error = Home::open(&long).unwrap_err();
        assert!(error.to_string().contains("DEVSPACE_LOCAL_STATE"), "{error}");
    }
}
