//! Our own programs as static binaries.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::table::{Image, Source};
use crate::places;
use crate::process::{self, command};
use crate::say;

/// A program of ours that has an image.
#[derive(Debug)]
pub(crate) struct Program {
    /// The image's name without registry and tag.
    pub(crate) image: &'static str,
    /// The folder with its Dockerfile.
    pub(crate) folder: &'static str,
    /// The Cargo package.
    package: &'static str,
    /// The binary, and its name in the build context.
    binary: &'static str,
}

/// Every program of ours that runs in a cluster.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        image: "devspace-proxy",
        folder: "proxy",
        package: "devspace-proxy",
        binary: "devspace-proxy",
    },
    Program {
        image: "devspace-controller",
        folder: "devspace-controller",
        package: "devspace-controller",
        binary: "devspace-controller",
    },
    Program {
        image: "devspace-agent",
        folder: "agent",
        package: "devspace-agent",
        binary: "devspace-agent",
    },
    Program {
        image: "e2e",
        folder: "tests/e2e",
        package: "devspace-e2e",
        binary: "e2e-pod",
    },
];

/// Compiles all programs in one run of cargo, where any of these images holds one. Cargo chooses the features of
/// shared dependencies by what is built together, so a run for some of them would compile kube and others again.
///
/// # Errors
/// The build fails.
pub(crate) fn compile(images: &[&Image]) -> Result<()> {
    if !images
        .iter()
        .any(|image| matches!(image.source, Source::Program(_)))
    {
        return Ok(());
    }
    let names: Vec<&str> = PROGRAMS.iter().map(|program| program.binary).collect();
    say::progress(format!("compiling {}", names.join(", ")));
    let mut cargo = command(
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        ["build", "--profile", "image"],
    );
    cargo
        .args(["--target", &host_triple()?, "--target-dir"])
        .arg(target());
    for program in PROGRAMS {
        cargo.args(["--package", program.package, "--bin", program.binary]);
    }
    // With --target the flags reach only what runs in the image, not build scripts.
    cargo
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(places::repository());
    process::output(&mut cargo)?;
    Ok(())
}

impl Program {
    /// A folder that holds only the compiled binary.
    ///
    /// # Errors
    /// It has not been compiled, or cannot be copied.
    pub(crate) fn staged(&self) -> Result<tempfile::TempDir> {
        let binary = target().join(host_triple()?).join("image").join(self.binary);
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        fs::copy(&binary, folder.path().join(self.binary))
            .with_context(|| format!("cannot copy {}", binary.display()))?;
        Ok(folder)
    }
}

/// Where static programs are compiled: one place, whatever target folder the caller uses for its own builds.
fn target() -> PathBuf {
    places::repository().join("target/image-programs")
}

fn host_triple() -> Result<String> {
    let about = process::text(&mut command("rustc", ["--version", "--verbose"]))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not say for which machine it compiles")
}
