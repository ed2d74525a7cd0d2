//! Folders of copies: a new cache begins as a copy of the baseline's, and a removed copy leaves only its caches.

use std::collections::HashMap;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// Copies the tree `from` to `to`, which must not be there, with modification times: build tools compare them. Files
/// that share their content do so in the copy, and a file system that can share blocks does. What goes away meanwhile
/// is left out.
pub(crate) fn seed(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    // A seed that was cut off must not pass for a whole one.
    let half = to.with_extension("devspace-seed");
    if half.exists() {
        fs::remove_dir_all(&half)?;
    }
    copy_folder(from, &half, &mut HashMap::new())?;
    fs::rename(half, to)
}

fn copy_folder(from: &Path, to: &Path, linked: &mut HashMap<(u64, u64), PathBuf>) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match copy_one(&source, &target, linked) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    keep_times(from, to)
}

fn copy_one(from: &Path, to: &Path, linked: &mut HashMap<(u64, u64), PathBuf>) -> io::Result<()> {
    let there = fs::symlink_metadata(from)?;
    if there.is_dir() {
        return copy_folder(from, to, linked);
    }
    if there.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if !there.is_file() {
        // A socket or pipe of a program has no use without it.
        return Ok(());
    }
    let identity = (there.dev(), there.ino());
    if there.nlink() > 1
        && let Some(first) = linked.get(&identity)
    {
        return fs::hard_link(first, to);
    }
    fs::copy(from, to)?;
    linked.insert(identity, to.to_owned());
    keep_times(from, to)
}

fn keep_times(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    // A file without the right to write may still be opened to read, which is enough for times.
    File::open(to)?.set_times(FileTimes::new().set_modified(modified))
}

/// Removes everything below `folder` but `kept` and what leads there.
pub(crate) fn clear(folder: &Path, kept: &[PathBuf]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if kept.contains(&path) {
            continue;
        }
        if !entry.file_type()?.is_dir() {
            fs::remove_file(path)?;
        } else if kept.iter().any(|kept| kept.starts_with(&path)) {
            clear(&path, kept)?;
        } else {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_seed_keeps_times_links_and_shared_content() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("a/to"));
        fs::create_dir_all(from.join("deps")).unwrap();
        fs::write(from.join("deps/x"), "1").unwrap();
        fs::hard_link(from.join("deps/x"), from.join("x")).unwrap();
        symlink("x", from.join("y")).unwrap();
        let old = SystemTime::now() - Duration::from_secs(1000);
        let times = FileTimes::new().set_modified(old);
        File::open(from.join("x")).unwrap().set_times(times).unwrap();
        seed(&from, &to).unwrap();
        let at = |path: &str| fs::metadata(to.join(path)).unwrap();
        assert_eq!(at("x").modified().unwrap(), old);
        assert_eq!(at("x").ino(), at("deps/x").ino());
        assert_eq!(fs::read_link(to.join("y")).unwrap(), Path::new("x"));
        fs::write(to.join("x"), "2").unwrap();
        assert_eq!(fs::read_to_string(from.join("x")).unwrap(), "1");
    }

    #[test]
    fn only_the_caches_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["state", "root/src/target/debug", "root/src/code", "root/other"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("log"), "").unwrap();
        clear(folder.path(), &[at("root/src/target")]).unwrap();
        assert!(at("root/src/target/debug").exists());
        for gone in ["state", "root/src/code", "root/other", "log"] {
            assert!(!at(gone).exists(), "{gone}");
        }
    }
}
