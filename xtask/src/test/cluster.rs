//! The stages on a cluster. Each verb that they need is this program's own, run as a person would.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

use super::checks::shown;
use super::{Done, Run};
use crate::process::{self, command};
use crate::{places, say};

/// Whether this run started the cluster, and so ends it.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether the cluster runs and holds the images. Without it every end-to-end test would tell the same.
static READY: AtomicBool = AtomicBool::new(false);

/// How many tests run at once. The cluster and the load of a test share two cores, so a second one beside it would
/// measure the machine.
const AT_ONCE: &str = "--test-threads=1";

fn own(arguments: &[&str]) -> Result<Command> {
    Ok(command(places::program()?, arguments))
}

/// Why there can be no cluster here. In CI there must be one.
fn impossible(run: &Run) -> Option<&'static str> {
    if run.no_cluster {
        return Some("left out by --no-cluster");
    }
    let is_possible = cfg!(target_os = "linux") && rustix::process::geteuid().is_root();
    let must = std::env::var_os("CI").is_some();
    (!is_possible && !must).then_some("the test cluster needs Linux and root")
}

/// Builds all images, starts the cluster and brings them there.
pub(super) fn prepare(run: &mut Run) -> Result<Done> {
    if let Some(reason) = impossible(run) {
        return Ok(Done::Skipped(reason.to_owned()));
    }
    if !process::succeeds(&mut own(&["cluster", "status"])?) {
        STARTED.store(true, Ordering::Relaxed);
        shown(&mut own(&["cluster", "up"])?)?;
    }
    shown(&mut own(&["images", "--load"])?)?;
    READY.store(true, Ordering::Relaxed);
    Ok(Done::Passed)
}

/// Runs all end-to-end tests but that of uninstalling.
pub(super) fn end_to_end(run: &mut Run) -> Result<Done> {
    program(run, "it")
}

/// Runs the one that takes the product away.
pub(super) fn uninstall(run: &mut Run) -> Result<Done> {
    program(run, "uninstall")
}

fn program(run: &mut Run, name: &str) -> Result<Done> {
    if let Some(reason) = impossible(run) {
        return Ok(Done::Skipped(reason.to_owned()));
    }
    if !READY.load(Ordering::Relaxed) {
        bail!("there is no cluster with the images: see the stage before");
    }
    let built = run.built.take().context("the build failed")?;
    let mut environment: Vec<(&str, &Path)> = vec![
        ("DEVSPACE_XTASK", places::program()?),
        ("DEVSPACE_E2E_CLI", built.devspace.as_path()),
    ];
    if run.long {
        environment.push(("DEVSPACE_E2E_LONG", Path::new("1")));
    }
    let ended = match built.end_to_end.iter().find(|program| program.name == name) {
        Some(program) => program.run(run, &[AT_ONCE, "--show-output"], &environment),
        None => bail!("there is no end-to-end test program {name}"),
    };
    run.built = Some(built);
    ended.map(|()| Done::Passed)
}

/// Ends the cluster if this run started it.
pub(super) fn leave() {
    if STARTED.load(Ordering::Relaxed) {
        let ended = own(&["cluster", "down"]).and_then(|mut down| shown(&mut down));
        if let Err(error) = ended {
            say::error(&error);
        }
    }
}
