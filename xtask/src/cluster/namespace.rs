//! The cluster's namespaces from the outside: finding their PID 1, and running programs in them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::layout::Layout;
use crate::process::command;

/// The two processes that stand for a cluster, with their ids as the machine sees them.
pub(crate) struct Namespace {
    /// The `unshare` that made the namespaces and waits for their PID 1.
    maker: Pid,
    /// PID 1 of the namespaces.
    first: Pid,
}

impl Namespace {
    /// The running cluster of this state folder, if there is one. A process id that now belongs to another program is
    /// not taken for it.
    pub(crate) fn find(layout: &Layout) -> Option<Self> {
        let maker = fs::read_to_string(layout.pid_file()).ok()?.trim().parse().ok()?;
        if !is_ours(maker, layout) {
            return None;
        }
        let children = fs::read_to_string(format!("/proc/{maker}/task/{maker}/children")).ok()?;
        let first = children.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            maker: Pid::from_raw(maker)?,
            first: Pid::from_raw(first)?,
        })
    }

    /// The running cluster of this state folder.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn running(layout: &Layout) -> Result<Self> {
        match Self::find(layout) {
            Some(found) => Ok(found),
            None => bail!(
                "no cluster runs in {}: start one with `cargo xtask cluster up`",
                layout.root().display()
            ),
        }
    }

    /// A command inside the namespaces, in the caller's folder, with the cluster's programs on its path.
    pub(crate) fn command(&self, layout: &Layout, program: &[String]) -> Result<Command> {
        let folder = std::env::current_dir().context("cannot tell the current folder")?;
        let first = self.first.as_raw_nonzero().to_string();
        let enter = [
            "-t", &first, "--net", "--mount", "--pid", "--uts", "--ipc", "--", "env", "-C",
        ];
        let mut enter = command("nsenter", enter);
        enter.arg(&folder).args(program);
        enter
            .env("KUBECONFIG", layout.inside_kubeconfig())
            .env("CONTAINERD_NAMESPACE", "k8s.io");
        enter.env("PATH", path_with(&layout.path("bin"))?);
        Ok(enter)
    }

    /// Ends every process of the cluster with one signal.
    ///
    /// # Errors
    /// The signal is refused.
    pub(crate) fn kill(&self) -> Result<()> {
        match kill_process(self.first, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).context("cannot end the cluster's first process"),
        }
    }

    /// Whether the cluster's processes are gone: `unshare` ends when the kernel has ended everything inside.
    pub(crate) fn is_gone(&self) -> bool {
        has_ended(self.maker.as_raw_nonzero().get())
    }

    /// The process id of PID 1, as the machine sees it.
    pub(crate) fn first(&self) -> i32 {
        self.first.as_raw_nonzero().get()
    }
}

/// Whether a process has ended. One that its parent has not collected has.
fn has_ended(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}

fn is_ours(pid: i32, layout: &Layout) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = words.split(|&byte| byte == 0).collect();
    words.contains(&b"cluster-init".as_slice())
        && words.contains(&layout.root().as_os_str().as_encoded_bytes())
}

/// The caller's path with this folder before it.
///
/// # Errors
/// The folder's name cannot be on a path.
pub(crate) fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("the state folder's name cannot be on PATH")
}
