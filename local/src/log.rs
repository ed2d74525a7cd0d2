//! What the program of an agent wrote: kept in a file that is turned over, followed by whoever asks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

/// A file that has grown to this is turned over; the one before it goes.
const FILE_MAX: u64 = 4 * 1024 * 1024;
/// Lines that may wait for a follower. One that is slower misses some, and is told.
const WAITING: usize = 4096;

/// One program's log.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
    lines: broadcast::Sender<Arc<str>>,
}

// === impl Log ===

impl Log {
    /// The log at `path`, which goes on from what is there.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: Mutex::default(),
            lines: broadcast::Sender::new(WAITING),
        }
    }

    /// Adds a line. One that cannot be written (a full disk) still reaches the followers.
    pub(crate) fn push(&self, line: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.write(&mut open, line) {
            *open = None;
            tracing::debug!(%error, path = %self.path.display(), "a line of a log was not kept");
        }
        // Nobody follows: the file has it.
        let _ = self.lines.send(line.into());
    }

    /// The last `tail` lines, all where it is unset, and those that come after them.
    pub(crate) fn read(&self, tail: Option<usize>) -> (Vec<String>, broadcast::Receiver<Arc<str>>) {
        // Held over both, so that no line is missed or told twice.
        let _open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let follow = self.lines.subscribe();
        let mut text = fs::read(self.older()).unwrap_or_default();
        text.extend(fs::read(&self.path).unwrap_or_default());
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        (lines.into_iter().skip(skipped).collect(), follow)
    }

    fn write(&self, open: &mut Option<(File, u64)>, line: &str) -> io::Result<()> {
        if open.as_ref().is_some_and(|(_, size)| *size >= FILE_MAX) {
            *open = None;
            fs::rename(&self.path, self.older())?;
        }
        let (file, size) = match open {
            Some(open) => open,
            slot @ None => slot.insert(append(&self.path)?),
        };
        file.write_all(format!("{line}\n").as_bytes())?;
        *size += u64::try_from(line.len()).unwrap_or_default() + 1;
        Ok(())
    }

    fn older(&self) -> PathBuf {
        self.path.with_extension("1")
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_is_bounded_and_followed_without_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Log::new(path.clone());
        for number in 0..3 {
            log.push(&format!("line {number}"));
        }
        let (lines, mut follow) = Log::new(path.clone()).read(Some(2));
        assert_eq!(lines, ["line 1", "line 2"]);
        assert!(follow.try_recv().is_err());
        let (_, mut follow) = log.read(None);
        log.push("line 3");
        assert_eq!(&*follow.recv().await.unwrap(), "line 3");
        let long = "x".repeat(1024 * 1024);
        for _ in 0..12 {
            log.push(&long);
        }
        let kept = fs::metadata(&path).unwrap().len() + fs::metadata(path.with_extension("1")).unwrap().len();
        assert!(kept < 3 * FILE_MAX, "{kept}");
    }
}
