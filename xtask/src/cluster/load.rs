//! `cluster load`: images into the node's containerd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::namespace::Namespace;
use crate::go_tools::Tool;
use crate::images::buildah;
use crate::places;
use crate::process;
use crate::say;

/// The label that keeps, on an image of the node, which build it is.
const ID_LABEL: &str = "devspace.test/id";

/// Brings each image to the node: the name of an image that buildah holds, or the path of a docker archive. An image
/// that is already there in the same build is left alone.
///
/// # Errors
/// No cluster runs, an image is unknown, or containerd refuses it.
pub(crate) fn load(layout: &Layout, images: &[String]) -> Result<()> {
    let namespace = Namespace::running(layout)?;
    for image in images {
        let path = Path::new(image);
        if path.extension().is_some_and(|extension| extension == "tar") && path.is_file() {
            let absolute = fs::canonicalize(path).with_context(|| format!("cannot find {image}"))?;
            import(layout, &namespace, &absolute)?;
            say::progress(format!("loaded {image}"));
        } else {
            load_built(layout, &namespace, image)?;
        }
    }
    Ok(())
}

fn load_built(layout: &Layout, namespace: &Namespace, image: &str) -> Result<()> {
    let Some(id) = buildah::image_id(image)? else {
        bail!(
            "there is no image {image}: build it with `cargo xtask images`, or give the path of a docker archive (.tar)"
        );
    };
    let there = inside(layout, namespace, &["ctr", "images", "list"])?;
    let started = std::time::Instant::now();
    match there_as(&there, &id, image) {
        Some(name) if name == image => return Ok(()),
        // The same build under another name: its layers need not travel again.
        Some(name) => drop(inside(
            layout,
            namespace,
            &["ctr", "images", "tag", "--force", name, image],
        )?),
        None => {
            let scratch = tempfile::tempdir_in(layout.root()).context("cannot make a temporary folder")?;
            let file = scratch.path().join("image.tar");
            buildah::archive(image, &file)?;
            import(layout, namespace, &file)?;
        }
    }
    let label = format!("{ID_LABEL}={id}");
    inside(layout, namespace, &["ctr", "images", "label", image, &label])?;
    say::progress(format!(
        "loaded {image} in {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The name under which the node has this build, its own before another, in the list that `ctr` prints. The first
/// column is the name, the last holds `key=value` pairs with commas.
fn there_as<'a>(listed: &'a str, id: &str, image: &str) -> Option<&'a str> {
    let label = format!("{ID_LABEL}={id}");
    let has = |line: &&str| line.split([' ', ',']).any(|word| word == label);
    let mut names = listed
        .lines()
        .filter(has)
        .filter_map(|line| line.split_whitespace().next());
    let first = names.next()?;
    std::iter::once(first)
        .chain(names)
        .find(|name| *name == image)
        .or(Some(first))
}

/// Imports a docker archive.
///
/// # Errors
/// containerd refuses it.
pub(crate) fn import(layout: &Layout, namespace: &Namespace, archive: &Path) -> Result<()> {
    inside(
        layout,
        namespace,
        &[
            "ctr",
            "images",
            "import",
            "--no-unpack=false",
            &archive.to_string_lossy(),
        ],
    )?;
    Ok(())
}

fn inside(layout: &Layout, namespace: &Namespace, program: &[&str]) -> Result<String> {
    let program: Vec<String> = program.iter().map(|&word| word.to_owned()).collect();
    process::text(namespace.command(layout, &program)?.stderr(Stdio::piped()))
}

/// The archive of an image that holds one program of the cluster itself, made once for each build of the program.
///
/// # Errors
/// The program or the image cannot be built.
pub(crate) fn own_archive(tool: &Tool, image: &str) -> Result<PathBuf> {
    let binary = tool.built()?;
    let folder = binary.parent().context("a program of the cache is in a folder")?;
    let archive = folder.join("image.tar");
    if !archive.exists() {
        let dockerfile = places::repository()
            .join("xtask/cluster")
            .join(tool.name)
            .join("Dockerfile");
        let scratch = folder.join("image.tar.part");
        buildah::build(image, &dockerfile, folder, &[])?;
        buildah::archive(image, &scratch)?;
        fs::rename(&scratch, &archive).with_context(|| format!("cannot make {}", archive.display()))?;
    }
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_found_under_its_own_name_before_another() {
        let listed = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n\
            a:1 application/x sha256:1 2.0 MiB linux/amd64 devspace.test/id=one,io.cri=managed \n\
            b:1 application/x sha256:1 2.0 MiB linux/amd64 io.cri=managed,devspace.test/id=one \n\
            c:1 application/x sha256:2 2.0 MiB linux/amd64 io.cri=managed \n";
        assert_eq!(there_as(listed, "one", "b:1"), Some("b:1"));
        assert_eq!(there_as(listed, "one", "c:1"), Some("a:1"));
        assert_eq!(there_as(listed, "on", "a:1"), None);
    }
}
