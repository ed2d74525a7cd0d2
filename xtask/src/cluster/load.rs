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
    if labelled(layout, namespace, image)?.is_some_and(|loaded| loaded == id) {
        return Ok(());
    }
    let scratch = tempfile::tempdir_in(layout.root()).context("cannot make a temporary folder")?;
    let file = scratch.path().join("image.tar");
    let started = std::time::Instant::now();
    buildah::archive(image, &file)?;
    import(layout, namespace, &file)?;
    let label = format!("{ID_LABEL}={id}");
    inside(layout, namespace, &["ctr", "images", "label", image, &label])?;
    say::progress(format!(
        "loaded {image} in {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// The build that the node's image of this name is.
fn labelled(layout: &Layout, namespace: &Namespace, image: &str) -> Result<Option<String>> {
    let filter = format!("name=={image}");
    let listed = inside(layout, namespace, &["ctr", "images", "list", &filter])?;
    Ok(label_in(&listed))
}

/// The value of the label in the list that `ctr` prints: the last column holds `key=value` pairs with commas.
fn label_in(listed: &str) -> Option<String> {
    let words = listed.split([' ', ',', '\n']);
    words
        .filter_map(|word| word.strip_prefix(ID_LABEL)?.strip_prefix('='))
        .map(str::to_owned)
        .next()
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
    fn the_label_is_found_among_others() {
        let listed = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n\
            devspace.test/e2e:dev application/x sha256:1 2.0 MiB linux/amd64 a=b,devspace.test/id=abc,io.cri=managed \n";
        assert_eq!(label_in(listed).as_deref(), Some("abc"));
        assert_eq!(label_in("REF TYPE\n"), None);
    }
}
