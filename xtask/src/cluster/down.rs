//! `cluster down`: ends the cluster and leaves nothing of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::namespace::Namespace;
use crate::wait;

/// How long the kernel may take to end all processes.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Ends every process of the cluster, removes its control groups and its state. Does nothing where none is.
///
/// # Errors
/// Processes do not end, or a folder cannot be removed.
pub(crate) fn down(layout: &Layout) -> Result<()> {
    end(layout)?;
    match fs::remove_dir_all(layout.root()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", layout.root().display()))
        }
        _ => Ok(()),
    }
}

/// Ends every process of the cluster and removes its control groups. Its state stays, to be read.
///
/// # Errors
/// Processes do not end, or a control group cannot be removed.
pub(crate) fn end(layout: &Layout) -> Result<()> {
    if let Some(namespace) = Namespace::find(layout) {
        namespace.kill()?;
        if !wait::until(END_LIMIT, || namespace.is_gone()) {
            bail!(
                "the cluster's processes have not ended after {} s",
                END_LIMIT.as_secs()
            );
        }
    }
    remove_control_groups(Path::new("/sys/fs/cgroup"), &layout.control_group())
}

/// The folders in which control groups are made: the whole tree of version 2, or each controller's tree of version 1.
pub(crate) fn control_group_parents(mount: &Path) -> Vec<PathBuf> {
    if mount.join("cgroup.controllers").exists() {
        return vec![mount.to_owned()];
    }
    let entries = fs::read_dir(mount).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect()
}

fn remove_control_groups(mount: &Path, name: &str) -> Result<()> {
    for parent in control_group_parents(mount) {
        let group = parent.join(name);
        // A group can be removed a moment after its last process has ended.
        let mut last = Ok(());
        wait::until(Duration::from_secs(10), || {
            last = remove_tree_of_folders(&group);
            last.is_ok()
        });
        last.with_context(|| format!("cannot remove the control group {}", group.display()))?;
    }
    Ok(())
}

/// A control group holds files that cannot be removed: only its folders go, deepest first.
fn remove_tree_of_folders(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree_of_folders(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_group_goes_with_what_is_in_it() {
        let mount = tempfile::tempdir().unwrap();
        for folder in ["cpu/mine/kubepods/pod1", "cpu/other/kubepods", "memory/mine"] {
            fs::create_dir_all(mount.path().join(folder)).unwrap();
        }
        remove_control_groups(mount.path(), "mine").unwrap();
        assert!(!mount.path().join("cpu/mine").exists() && !mount.path().join("memory/mine").exists());
        assert!(mount.path().join("cpu/other/kubepods").exists());
    }

    #[test]
    fn a_cluster_that_is_not_there_is_down() {
        let folder = tempfile::tempdir().unwrap();
        down(&Layout::at(folder.path().join("none"))).unwrap();
    }
}
