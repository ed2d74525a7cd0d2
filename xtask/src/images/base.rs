//! The bases that Dockerfiles name, made on this machine under their usual names.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{buildah, record};
use crate::go_tools::key_of;
use crate::places;
use crate::process::{self, command};
use crate::say;

/// A base and how it is made. Its Dockerfile is `xtask/images/FOLDER/Dockerfile`.
pub(crate) struct Base {
    /// Its usual name, without `docker.io/library/`.
    pub(crate) name: &'static str,
    /// What it brings, which decides the client settings of builds on it.
    pub(crate) kind: Kind,
    folder: &'static str,
}

/// What a base brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Debian alone.
    Debian,
    Rust,
    Node,
    Go,
    Java,
    Python,
}

const BASES: &[Base] = &[
    Base {
        name: "debian:bookworm-slim",
        kind: Kind::Debian,
        folder: "debian",
    },
    Base {
        name: "rust:1-bookworm",
        kind: Kind::Rust,
        folder: "rust",
    },
    Base {
        name: "node:20-bookworm-slim",
        kind: Kind::Node,
        folder: "node",
    },
    Base {
        name: "golang:1.26-bookworm",
        kind: Kind::Go,
        folder: "golang",
    },
    Base {
        name: "eclipse-temurin:17",
        kind: Kind::Java,
        folder: "temurin",
    },
    Base {
        name: "python:3.11-slim-bookworm",
        kind: Kind::Python,
        folder: "python",
    },
];

const LIBRARY: &str = "docker.io/library/";

/// The base with this name, with or without its registry.
pub(crate) fn named(name: &str) -> Option<&'static Base> {
    let short = name.strip_prefix(LIBRARY).unwrap_or(name);
    BASES.iter().find(|base| base.name == short)
}

/// The names of all bases, for people.
pub(crate) fn names() -> String {
    BASES.iter().map(|base| base.name).collect::<Vec<_>>().join(", ")
}

/// The context of a base's build; a temporary folder is kept until the build is done.
struct Prepared {
    folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Base {
    /// Makes the base unless the storage has it from the same recipe and the same toolchain. Answers its id.
    ///
    /// # Errors
    /// The toolchain is not on this machine or of another major version, or the build fails.
    pub(crate) fn ready(&self) -> Result<String> {
        let name = format!("{LIBRARY}{}", self.name);
        let _lock = record::lock(&name)?;
        let recipe = places::repository().join("xtask/images").join(self.folder);
        let mut inputs = vec![record::content_of_files(&recipe)?, self.toolchain()?];
        if self.kind != Kind::Debian {
            let debian = named("debian:bookworm-slim").context("there is no Debian base")?;
            inputs.push(debian.ready()?);
        }
        let inputs = key_of(&inputs);
        if !record::is_built(&name, &inputs)? {
            say::progress(format!("making the base {} (once)", self.name));
            let started = Instant::now();
            let context = self
                .context()
                .with_context(|| format!("cannot prepare the base {}", self.name))?;
            let ignore = recipe.join("dockerignore");
            let ignore = ignore.is_file().then_some(ignore.as_path());
            buildah::build_with(&name, &recipe.join("Dockerfile"), &context.folder, &[], ignore)?;
            record::built(&name, &inputs)?;
            say::progress(format!(
                "made {} in {:.0} s",
                self.name,
                started.elapsed().as_secs_f64()
            ));
        }
        buildah::image_id(&name)?.with_context(|| format!("the base {} has vanished", self.name))
    }

    /// The version of the machine's toolchain that goes into the base.
    fn toolchain(&self) -> Result<String> {
        let (program, argument, wanted) = match self.kind {
            Kind::Rust => ("rustc", "--version", "rustc 1."),
            Kind::Node => ("node", "--version", "v20."),
            Kind::Go => ("go", "version", "go version go1.26"),
            Kind::Debian | Kind::Java | Kind::Python => return Ok(String::new()),
        };
        let version = process::text(command(program, [argument]).current_dir(places::repository()))
            .with_context(|| {
                format!(
                    "{} is made from this machine's own toolchain: install it",
                    self.name
                )
            })?;
        if !version.starts_with(wanted) {
            bail!(
                "{} is made from this machine's own toolchain, which is {version}; it must be {wanted}x",
                self.name
            );
        }
        Ok(version)
    }

    fn context(&self) -> Result<Prepared> {
        let machine = |program: &str, arguments: &[&str]| {
            let folder = process::text(command(program, arguments).current_dir(places::repository()))?;
            anyhow::Ok(Prepared {
                folder: PathBuf::from(folder),
                _temporary: None,
            })
        };
        match self.kind {
            Kind::Rust => machine("rustc", &["--print", "sysroot"]),
            Kind::Go => machine("go", &["env", "GOROOT"]),
            Kind::Debian => temporary(debian),
            Kind::Node => temporary(node),
            Kind::Java | Kind::Python => temporary(|_| Ok(())),
        }
    }
}

fn temporary(fill: impl FnOnce(&Path) -> Result<()>) -> Result<Prepared> {
    let parent = places::cache()?;
    let folder = tempfile::tempdir_in(parent).context("cannot make a temporary folder in the cache")?;
    fill(folder.path())?;
    Ok(Prepared {
        folder: folder.path().to_owned(),
        _temporary: Some(folder),
    })
}

/// Debian's essential packages and apt, from the archive that this machine uses, without what a slim image leaves out.
/// The folders of manual pages stay: packages put links there, and fail without them.
fn debian(folder: &Path) -> Result<()> {
    let options = places::read_file(&places::repository().join("xtask/images/debian/mmdebstrap-options"))?;
    let mut make = command("mmdebstrap", options.lines());
    make.arg("bookworm").arg(folder.join("base.tar"));
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    if sources.exists() {
        make.arg(sources);
    }
    process::output(&mut make)?;
    Ok(())
}

fn node(folder: &Path) -> Result<()> {
    let program = process::text(&mut command("node", ["--print", "process.execPath"]))?;
    let global = process::text(&mut command("npm", ["root", "--global"]))?;
    places::make_folder(&folder.join("bin"))?;
    fs::copy(&program, folder.join("bin/node")).with_context(|| format!("cannot copy {program}"))?;
    let npm = Path::new(&global).join("npm");
    process::output(command("cp", ["--archive"]).arg(npm).arg(folder.join("npm")))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_known_with_and_without_its_registry() {
        assert!(named("docker.io/library/rust:1-bookworm").is_some_and(|base| base.kind == Kind::Rust));
        assert!(named("rust:1-bookworm").is_some());
        assert!(named("rust:1-alpine").is_none());
    }

    #[test]
    fn every_base_has_its_dockerfile() {
        for base in BASES {
            let recipe = places::repository()
                .join("xtask/images")
                .join(base.folder)
                .join("Dockerfile");
            assert!(recipe.is_file(), "{}", recipe.display());
        }
    }
}
