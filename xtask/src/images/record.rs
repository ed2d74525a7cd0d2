//! What an image was built from, so that unchanged inputs are not built again.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::buildah;
use crate::places;
use crate::process::{self, command};

#[derive(Serialize, Deserialize)]
struct Record {
    inputs: String,
    id: String,
}

/// Keeps other processes from building the same image until the answer is dropped.
///
/// # Errors
/// The lock file cannot be made.
pub(crate) fn lock(image: &str) -> Result<fs::File> {
    places::lock(
        &places::cache()?
            .join("locks")
            .join(format!("image-{}", file_name(image))),
    )
}

/// Whether the storage holds the image in a build of exactly these inputs.
///
/// # Errors
/// The storage cannot be asked.
pub(crate) fn is_built(image: &str, inputs: &str) -> Result<bool> {
    let Ok(text) = fs::read_to_string(file(image)?) else {
        return Ok(false);
    };
    let Ok(record) = serde_json::from_str::<Record>(&text) else {
        return Ok(false);
    };
    Ok(record.inputs == inputs && buildah::image_id(image)?.is_some_and(|id| id == record.id))
}

/// Notes that the image was built from these inputs. Answers its id.
///
/// # Errors
/// The image is not in the storage, or the note cannot be written.
pub(crate) fn built(image: &str, inputs: &str) -> Result<String> {
    let id = buildah::image_id(image)?.with_context(|| format!("the build made no image {image}"))?;
    let record = Record {
        inputs: inputs.to_owned(),
        id: id.clone(),
    };
    let file = file(image)?;
    places::make_folder(file.parent().unwrap_or(&file))?;
    places::write_file(
        &file,
        serde_json::to_string(&record).context("cannot write a record")?,
    )?;
    Ok(id)
}

fn file(image: &str) -> Result<PathBuf> {
    Ok(places::cache()?
        .join("images")
        .join(format!("{}.json", file_name(image))))
}

fn file_name(image: &str) -> String {
    image.replace(['/', ':'], "_")
}

/// A hash of every file in a folder of the repository that git does not ignore.
///
/// # Errors
/// git fails, or a file cannot be read.
pub(crate) fn content_of_folder(folder: &Path) -> Result<String> {
    let list = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        ".",
    ];
    let listed = process::output(command("git", list).current_dir(folder))?;
    let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let mut names: Vec<PathBuf> = names
        .map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(name)))
        .collect();
    names.sort();
    names.dedup();
    // A file may be gone from the folder and still be in git's index.
    content(
        folder,
        names
            .into_iter()
            .filter(|name| fs::symlink_metadata(folder.join(name)).is_ok()),
    )
}

/// A hash of the files directly in a folder.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn content_of_files(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut names: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()))
        .collect();
    names.sort();
    content(folder, names.into_iter())
}

fn content(folder: &Path, names: impl Iterator<Item = PathBuf>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for name in names {
        let path = folder.join(&name);
        let about =
            fs::symlink_metadata(&path).with_context(|| format!("cannot look at {}", path.display()))?;
        let bytes = if about.is_symlink() {
            let target = fs::read_link(&path).with_context(|| format!("cannot read {}", path.display()))?;
            target.as_os_str().as_bytes().to_vec()
        } else {
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?
        };
        let runs = about.permissions().mode() & 0o111 != 0;
        hasher
            .update(name.as_os_str().as_bytes())
            .update(&[0, u8::from(runs), u8::from(about.is_symlink())]);
        hasher.update(&bytes.len().to_le_bytes()).update(&bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_files_do_not_count_and_others_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        process::output(command("git", ["init", "--quiet"]).current_dir(path)).unwrap();
        fs::write(path.join(".gitignore"), "target\n").unwrap();
        fs::write(path.join("a"), "1").unwrap();
        let first = content_of_folder(path).unwrap();
        fs::write(path.join("target"), "ignored").unwrap();
        assert_eq!(content_of_folder(path).unwrap(), first);
        fs::set_permissions(path.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        let runs = content_of_folder(path).unwrap();
        assert_ne!(runs, first);
        fs::write(path.join("a"), "2").unwrap();
        assert_ne!(content_of_folder(path).unwrap(), runs);
    }
}
