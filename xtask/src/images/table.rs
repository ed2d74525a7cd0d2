//! Which images there are: our own programs by a list, the samples' by where their Dockerfiles lie.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::program::{PROGRAMS, Program};
use crate::places;

/// One image that can be built.
#[derive(Debug)]
pub(crate) struct Image {
    /// Its whole name with tag.
    pub(crate) name: String,
    /// Its Dockerfile.
    pub(crate) dockerfile: PathBuf,
    /// What its context is.
    pub(crate) source: Source,
}

/// Where the context of a build comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A folder of the repository: the Dockerfile's own, or the one that it names.
    Folder,
    /// A folder that holds one static binary of ours.
    Program(&'static Program),
}

/// Every image, sorted by name. A program whose folder has no Dockerfile has no image.
///
/// # Errors
/// A folder cannot be listed.
pub(crate) fn all() -> Result<Vec<Image>> {
    let root = places::repository();
    let programs = PROGRAMS.iter().map(|program| Image {
        name: format!("devspace.test/{}:dev", program.image),
        dockerfile: root.join(program.folder).join("Dockerfile"),
        source: Source::Program(program),
    });
    let mut images: Vec<Image> = programs.filter(|image| image.dockerfile.is_file()).collect();
    images.extend(samples(&root.join("samples"))?);
    images.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(images)
}

/// `samples/S/services/N/Dockerfile` is image `devspace.test/S/N:dev`, `Dockerfile.dev` beside it is
/// `devspace.test/S/N-toolchain:dev`; the same for `stores`.
fn samples(root: &Path) -> Result<Vec<Image>> {
    let mut images = Vec::new();
    for (sample, folder) in folders(root)? {
        for group in ["services", "stores"] {
            for (name, folder) in folders(&folder.join(group))? {
                for (file, suffix) in [("Dockerfile", ""), ("Dockerfile.dev", "-toolchain")] {
                    let dockerfile = folder.join(file);
                    if dockerfile.is_file() {
                        let name = format!("devspace.test/{sample}/{name}{suffix}:dev");
                        images.push(Image {
                            name,
                            dockerfile,
                            source: Source::Folder,
                        });
                    }
                }
            }
        }
    }
    Ok(images)
}

fn folders(parent: &Path) -> Result<Vec<(String, PathBuf)>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(parent).with_context(|| format!("cannot list {}", parent.display()))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    Ok(folders
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect())
}

/// The images with these names; all when there are no names. A name is whole, or what is left of it without registry,
/// tag and folders.
///
/// # Errors
/// A name fits no image, or more than one.
pub(crate) fn chosen<'a>(all: &'a [Image], names: &[String]) -> Result<Vec<&'a Image>> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let fits: Vec<&Image> = all
            .iter()
            .filter(|image| short_names(&image.name).any(|short| short == name))
            .collect();
        match fits.as_slice() {
            [image] => chosen.push(*image),
            [] => bail!("there is no image {name}; `cargo xtask images --list` names them"),
            [first, second, ..] => bail!(
                "{name} may be {} or {}: give more of the name",
                first.name,
                second.name
            ),
        }
    }
    Ok(chosen)
}

/// `a/b/c:dev`, `a/b/c`, `b/c` and `c`.
fn short_names(name: &str) -> impl Iterator<Item = &str> {
    let bare = name.rsplit_once(':').map_or(name, |(bare, _)| bare);
    let shorter = std::iter::successors(Some(bare), |longer| longer.split_once('/').map(|(_, rest)| rest));
    std::iter::once(name).chain(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str) -> Image {
        Image {
            name: name.into(),
            dockerfile: "Dockerfile".into(),
            source: Source::Folder,
        }
    }

    #[test]
    fn a_short_name_chooses_one_image_or_none() {
        let all = [
            image("devspace.test/delivery/package:dev"),
            image("devspace.test/other/package:dev"),
        ];
        let chosen = |name: &str| chosen(&all, &[name.to_owned()]).map(|found| found[0].name.clone());
        assert_eq!(
            chosen("delivery/package").unwrap(),
            "devspace.test/delivery/package:dev"
        );
        assert_eq!(
            chosen("devspace.test/other/package:dev").unwrap(),
            "devspace.test/other/package:dev"
        );
        assert!(chosen("package").unwrap_err().to_string().contains("may be"));
        assert!(chosen("pack").unwrap_err().to_string().contains("no image"));
    }

    #[test]
    fn samples_are_found_by_where_their_dockerfiles_lie() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "shop/services/a/Dockerfile",
            "shop/services/a/Dockerfile.dev",
            "shop/stores/db/Dockerfile",
            "shop/x/y/Dockerfile",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "FROM scratch\n").unwrap();
        }
        let mut names: Vec<String> = samples(root.path())
            .unwrap()
            .into_iter()
            .map(|image| image.name)
            .collect();
        names.sort();
        let expected = [
            "devspace.test/shop/a-toolchain:dev",
            "devspace.test/shop/a:dev",
            "devspace.test/shop/db:dev",
        ];
        assert_eq!(names, expected);
    }
}
