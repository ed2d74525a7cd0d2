//! Which port plays which part, kept in a file so that addresses stay over restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use crate::files;

/// Ports are picked here: below those that systems give to outgoing connections (`ip_local_port_range` begins at
/// 32768), which would take a program's port while it restarts.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_767;

/// The ports of one workspace by the part that they play.
#[derive(Debug)]
pub(crate) struct Ports {
    file: PathBuf,
    by_part: BTreeMap<String, u16>,
}

// === impl Ports ===

impl Ports {
    /// What `file` holds.
    pub(crate) fn open(file: PathBuf) -> Self {
        let by_part = files::read_json(&file).unwrap_or_default();
        Self { file, by_part }
    }

    /// The port that `part` has.
    pub(crate) fn of(&self, part: &str) -> Option<u16> {
        self.by_part.get(part).copied()
    }

    /// Gives `port` to `part`.
    pub(crate) fn set(&mut self, part: &str, port: u16) {
        if self.by_part.insert(part.to_owned(), port) != Some(port) {
            self.save();
        }
    }

    /// Gives up the ports of parts that `wanted` does not name.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let before = self.by_part.len();
        self.by_part.retain(|part, _| wanted(part));
        if self.by_part.len() != before {
            self.save();
        }
    }

    /// All ports that play a part.
    pub(crate) fn taken(&self) -> BTreeSet<u16> {
        self.by_part.values().copied().collect()
    }

    /// A listener on the port that `part` had, or on another that is free.
    pub(crate) fn bind(&mut self, part: &str) -> Option<TcpListener> {
        let had = self.of(part).and_then(|port| bind(port).ok());
        let listener = had.or_else(|| {
            let taken = self.taken();
            candidates(&(&self.file, part))
                .filter(|port| !taken.contains(port))
                .find_map(|port| bind(port).ok())
        })?;
        self.set(part, listener.local_addr().ok()?.port());
        Some(listener)
    }

    /// The port that `part` has, for a program that binds it itself. `may_keep` says that it runs already, so that
    /// its own listening does not count as taken.
    pub(crate) fn pick(&mut self, part: &str, may_keep: bool) -> Option<u16> {
        if may_keep && let Some(port) = self.of(part) {
            return Some(port);
        }
        self.bind(part)?.local_addr().ok().map(|address| address.port())
    }

    fn save(&self) {
        if let Err(error) = files::write_json(&self.file, &self.by_part) {
            tracing::warn!(%error, "ports are not kept; addresses change at the next start");
        }
    }
}

fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// Every port once, from a place that differs by what it is for: two daemons that start at once meet less often.
fn candidates(seed: &impl Hash) -> impl Iterator<Item = u16> {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    let count = u64::from(LAST - FIRST) + 1;
    let start = hasher.finish() % count;
    (0..count).filter_map(move |step| Some(FIRST + u16::try_from((start + step) % count).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_keeps_its_port_unless_somebody_took_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ports.json");
        let mut ports = Ports::open(file.clone());
        let first = ports.bind("a").unwrap();
        let port = first.local_addr().unwrap().port();
        assert!((FIRST..=LAST).contains(&port));
        assert_ne!(ports.pick("b", false), Some(port));
        drop(first);
        let mut ports = Ports::open(file);
        assert_eq!(ports.pick("a", false), Some(port));
        let taker = bind(port).unwrap();
        assert_eq!(ports.pick("a", true), Some(port), "it is the program's own");
        assert_ne!(ports.pick("a", false), Some(port));
        drop(taker);
        ports.keep(|part| part == "b");
        assert_eq!(ports.of("a"), None);
    }
}
