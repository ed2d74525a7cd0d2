//! Tells whether a file is the one that was read before, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

/// File systems stamp with the kernel's clock tick, which is 10 ms at the coarsest (HZ=100).
/// A file stamped this close to the moment it was read may be written again with the same stamp.
const RACY_NS: i64 = 20_000_000;

/// Size, times and inode. Equal identities mean an equal file, unless it is racy (as git's racy entries are).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
    inode: u64,
    device: u64,
    mode: u32,
}

// === impl Identity ===

impl Identity {
    /// The identity that `metadata` shows.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.len(),
            mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
            mode: metadata.mode(),
        }
    }

    /// The file was changed so shortly before `read_at_ns` (since the epoch) that a later change may not show.
    #[must_use]
    pub fn is_racy(&self, read_at_ns: i64) -> bool {
        self.mtime_ns.max(self.ctime_ns) >= read_at_ns - RACY_NS
    }
}

/// The wall clock in nanoseconds since the epoch, for [`Identity::is_racy`].
#[must_use]
pub fn now_ns() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
