//! `cargo xtask images`: container images built by buildah from real Dockerfiles, kept in the cache's own storage.
//!
//! Which images there are follows from where Dockerfiles lie; docs/test-cluster.md says how.

mod base;
pub(crate) mod buildah;
mod dockerfile;
mod program;
mod record;
mod settings;
mod table;

use std::time::Instant;

use anyhow::{Context, Result, bail};

use self::base::Base;
use self::dockerfile::Dockerfile;
use self::table::{Image, Source};
use crate::cluster;
use crate::host::{self, Needed};
use crate::say;

/// What `cargo xtask images` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Images to build: a whole name, or its last part such as `devspace-proxy` or `package-toolchain`. All when none
    /// is given.
    names: Vec<String>,
    /// Bring them to the running cluster's node too.
    #[arg(long)]
    load: bool,
    /// Only print the names of all images.
    #[arg(long)]
    list: bool,
}

/// What building images needs beyond what a cluster needs.
const NEEDED: &[Needed] = &[
    Needed {
        path: "/usr/bin/buildah",
        package: "buildah",
    },
    Needed {
        path: "/usr/bin/mmdebstrap",
        package: "mmdebstrap",
    },
];

/// Builds what is asked for, and loads it where that is asked.
///
/// # Errors
/// A name is unknown, a build fails, or no cluster runs to load into.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let all = table::all()?;
    if arguments.list {
        all.iter().for_each(|image| say::line(&image.name));
        return Ok(());
    }
    let built = build(&table::chosen(&all, &arguments.names)?)?;
    if arguments.load {
        cluster::load_images(&built)?;
    }
    Ok(())
}

/// Builds these images, by their last parts, and brings them to the running cluster's node.
///
/// # Errors
/// A name is unknown, a build fails, or no cluster runs.
pub(crate) fn build_and_load(names: &[&str]) -> Result<()> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let all = table::all()?;
    cluster::load_images(&build(&table::chosen(&all, &names)?)?)
}

/// Builds these images where their inputs have changed, and the bases they name. Answers their names.
fn build(images: &[&Image]) -> Result<Vec<String>> {
    host::prepare(NEEDED)?;
    program::compile(images)?;
    for image in images {
        build_one(image).with_context(|| format!("cannot make {}", image.name))?;
        say::line(&image.name);
    }
    Ok(images.iter().map(|image| image.name.clone()).collect())
}

fn build_one(image: &Image) -> Result<()> {
    let _lock = record::lock(&image.name)?;
    let dockerfile = Dockerfile::read(&image.dockerfile)?;
    let bases = ready_bases(&dockerfile)?;
    let staged;
    let (context, content) = match &image.source {
        Source::Folder => {
            let context = dockerfile.context()?;
            let content = record::content_of_folder(&context)?;
            (context, content)
        }
        Source::Program(program) => {
            staged = program.staged()?;
            (staged.path().to_owned(), record::content_of_files(staged.path())?)
        }
    };
    let mut inputs = vec![dockerfile.text.clone(), content];
    inputs.extend(bases.iter().map(|(_, id)| id.clone()));
    let inputs = crate::go_tools::key_of(&inputs);
    if record::is_built(&image.name, &inputs)? {
        return Ok(());
    }
    let started = Instant::now();
    let settings = settings::Settings::for_build(&dockerfile, bases.iter().map(|(base, _)| *base))?;
    buildah::build(&image.name, &image.dockerfile, &context, &settings.mounts)?;
    record::built(&image.name, &inputs)?;
    say::progress(format!(
        "built {} in {:.1} s",
        image.name,
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Makes the bases that the Dockerfile names. Answers them with the ids of their images.
fn ready_bases(dockerfile: &Dockerfile) -> Result<Vec<(&'static Base, String)>> {
    let mut ready = Vec::new();
    for name in dockerfile.outside_images() {
        if let Some(base) = base::named(&name) {
            ready.push((base, base.ready()?));
        } else if buildah::image_id(&name)?.is_none() {
            bail!(
                "{} names {name}, which cannot be made here; the bases are {}",
                dockerfile.path.display(),
                base::names()
            );
        }
    }
    Ok(ready)
}
