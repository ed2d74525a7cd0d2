//! Command lines of buildah, on a storage of its own in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

use crate::places;
use crate::process::{self, command};

/// A buildah command on the cache's storage.
///
/// # Errors
/// The cache's place is unknown.
pub(crate) fn buildah(verb: &str) -> Result<Command> {
    let folder = places::cache()?.join("containers");
    places::make_folder(&folder.join("tmp"))?;
    let mut made = plain(&folder, driver(&folder));
    made.arg(verb);
    Ok(made)
}

fn plain(folder: &Path, driver: &str) -> Command {
    let mut made = command("buildah", ["--storage-driver", driver, "--root"]);
    made.arg(folder.join("storage"))
        .arg("--runroot")
        .arg(folder.join("run"));
    // Neither a container runtime nor a policy file of the machine is needed to build on the machine itself.
    made.env("BUILDAH_ISOLATION", "chroot");
    // Caches of `RUN --mount=type=cache` are under the temporary folder.
    made.env("TMPDIR", folder.join("tmp"));
    made
}

/// overlay where the kernel and the file system allow it, else whole copies of every layer.
fn driver(folder: &Path) -> &'static str {
    static CHOSEN: OnceLock<&str> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let works = process::succeeds(plain(folder, "overlay").arg("images"));
        if works { "overlay" } else { "vfs" }
    })
}

/// The id of an image in the storage, `None` when it is not there.
///
/// # Errors
/// buildah's answer is not text.
pub(crate) fn image_id(name: &str) -> Result<Option<String>> {
    let mut inspect = buildah("inspect")?;
    inspect.args(["--type", "image", "--format", "{{.FromImageID}}", name]);
    let done = process::raw_output(&mut inspect)?;
    let id = String::from_utf8(done.stdout).context("buildah did not write UTF-8")?;
    Ok(done
        .status
        .success()
        .then(|| id.trim().to_owned())
        .filter(|id| !id.is_empty()))
}

/// Writes the image, under its name and uncompressed, as an archive that containerd imports.
///
/// # Errors
/// The image is not in the storage, or the file cannot be written.
pub(crate) fn archive(name: &str, file: &Path) -> Result<()> {
    let mut push = buildah("push")?;
    push.args(["--disable-compression", "--quiet", name])
        .arg(format!("docker-archive:{}:{name}", file.display()));
    process::output(&mut push).with_context(|| format!("cannot write {name} to {}", file.display()))?;
    Ok(())
}

/// Builds an image from one Dockerfile. The volumes are mounted read-only while its steps run.
///
/// # Errors
/// A step fails; its output is in the error.
pub(crate) fn build(
    name: &str,
    dockerfile: &Path,
    context: &Path,
    volumes: &[(PathBuf, String)],
) -> Result<()> {
    build_with(name, dockerfile, context, volumes, None)
}

/// Like [`build`], with a file that says which files of the context do not count.
///
/// # Errors
/// A step fails; its output is in the error.
pub(crate) fn build_with(
    name: &str,
    dockerfile: &Path,
    context: &Path,
    volumes: &[(PathBuf, String)],
    ignore: Option<&Path>,
) -> Result<()> {
    let mut build = buildah("bud")?;
    build
        .args([
            "--pull=never",
            "--network",
            "host",
            "--layers",
            "--tag",
            name,
            "--file",
        ])
        .arg(dockerfile);
    if let Some(ignore) = ignore {
        build.arg("--ignorefile").arg(ignore);
    }
    for (source, target) in volumes {
        build
            .arg("--volume")
            .arg(format!("{}:{target}:ro", source.display()));
    }
    build.arg(context);
    process::output(&mut build).with_context(|| format!("cannot build the image {name}"))?;
    Ok(())
}
