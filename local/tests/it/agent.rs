//! An agent ends well only when it is asked to.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::bench::{DEADLINE, put_file};

fn agent(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_devspace-local-engine"))
        .arg("agent")
        .env("DEVSPACE_VOLUME", folder.join("volume"))
        .env("DEVSPACE_PATHS", "{}")
        .env("DEVSPACE_CONTROL_SOCKET", folder.join("c"))
        .env("DEVSPACE_READY_SOCKET", folder.join("r"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn ended(child: &mut Child) -> ExitStatus {
    tokio::time::timeout(DEADLINE, child.wait())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn the_end_of_the_daemon_is_no_good_end_and_sigterm_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut orphan = agent(folder.path());
    drop(orphan.stdin.take());
    assert_eq!(ended(&mut orphan).await.code(), Some(1));

    let mut asked = agent(folder.path());
    // Waiting would close it.
    let _pipe = asked.stdin.take();
    let socket = folder.path().join("r");
    let listening = async {
        let mut again = tokio::time::interval(std::time::Duration::from_millis(10));
        while tokio::net::UnixStream::connect(&socket).await.is_err() {
            again.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, listening).await.unwrap();
    // It answers once it is set up, and sockets come before the signal; the answer tells.
    let pid = Pid::from_raw(asked.id().unwrap().try_into().unwrap()).unwrap();
    let caught = async {
        let mut again = tokio::time::interval(std::time::Duration::from_millis(10));
        let status = format!("/proc/{}/status", pid.as_raw_nonzero());
        while !catches_term(&std::fs::read_to_string(&status).unwrap()) {
            again.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, caught).await.unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(ended(&mut asked).await.code(), Some(0));
}

/// Whether the process has a handler for SIGTERM, by its `SigCgt` in /proc.
fn catches_term(status: &str) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << (15 - 1)) != 0
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    put_file(&folder.path().join("volume"), "a file in the folder's place");
    let mut child = agent(folder.path());
    let _pipe = child.stdin.take();
    assert_eq!(ended(&mut child).await.code(), Some(1));
}
