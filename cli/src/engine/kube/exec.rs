//! Commands in a copy's container (Kubernetes: `pods/exec`).

use futures::FutureExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, TerminalSize};

use super::faults::{attempt, fault};
use super::{Kube, pods};
use crate::engine::{BoxResize, CopyRef, EngineError, Exec, Streams};

/// The cause in a Status that carries the exit code of a command (Kubernetes: `ExitCode` of remotecommand).
const EXIT_CODE: &str = "ExitCode";

/// Starts `command` in the service's container.
pub(super) async fn exec(
    kube: &Kube,
    copy: &CopyRef,
    command: &[String],
    tty: bool,
) -> Result<Exec, EngineError> {
    let pod = pods::current(kube, copy).await?;
    let name = pod.metadata.name.clone().unwrap_or_default();
    // With a terminal the container has one stream for both outputs.
    let params = AttachParams {
        container: pods::main_container(&pod),
        stdin: true,
        stdout: true,
        stderr: !tty,
        tty,
        ..AttachParams::default()
    };
    let asked = attempt(
        &["create", "get"],
        "",
        "pods/exec",
        Some(&copy.namespace),
        Some(&name),
    );
    let mut process = fault(
        kube,
        pods::api(kube, copy).exec(&name, command, &params).await,
        asked,
    )
    .await?;
    let lost = || EngineError::Stream(Box::new(std::io::Error::other("the command has no streams")));
    let stdin = process.stdin().ok_or_else(lost)?;
    let stdout = process.stdout().ok_or_else(lost)?;
    let stderr = process.stderr();
    let status = process.take_status().ok_or_else(lost)?;
    let resize = process.terminal_size().map(|mut sizes| -> BoxResize {
        // A size that does not fit into the queue is older than one that does.
        Box::new(move |width, height| drop(sizes.try_send(TerminalSize { width, height })))
    });
    let exit = async move {
        let status = status.await;
        // The streams live as long as the process value.
        drop(process);
        status.map(|status| exit_code(&status)).ok_or_else(lost)
    };
    Ok(Exec::There(Streams {
        stdin: Box::pin(stdin),
        stdout: Box::pin(stdout),
        stderr: stderr
            .map(|stderr| -> std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>> { Box::pin(stderr) }),
        resize,
        exit: exit.boxed(),
    }))
}

/// The code in `status`; a failure without one (the program does not exist) is 126, as in shells.
fn exit_code(status: &Status) -> u8 {
    if status.status.as_deref() == Some("Success") {
        return 0;
    }
    let causes = status
        .details
        .iter()
        .flat_map(|details| details.causes.iter().flatten());
    causes
        .filter(|cause| cause.reason.as_deref() == Some(EXIT_CODE))
        .find_map(|cause| cause.message.as_ref()?.parse::<i32>().ok())
        .map_or(126, |code| u8::try_from(code & 0xff).unwrap_or(126))
}
