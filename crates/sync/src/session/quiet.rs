//! When a change is sent: a lone one after a few milliseconds, a storm when it pauses.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind};

/// After a lone closed or renamed file.
const LONE: Duration = Duration::from_millis(2);
/// While a file was changed and not closed: the rest of it is on its way.
const OPEN: Duration = Duration::from_millis(60);
/// After a removal, which is often the first half of a replacement.
pub(super) const REMOVED: Duration = Duration::from_millis(25);
/// The widest window, while events keep coming.
const STORM: Duration = Duration::from_millis(60);
/// What is known is sent after this time even if events keep coming.
const LONGEST: Duration = Duration::from_secs(2);
/// More paths than this are not kept one by one; the roots are looked through instead.
const PATHS_MAX: usize = 20_000;

/// What has changed since it was last taken. Events are hints: the disk says what there is.
#[derive(Debug, Clone, Default)]
pub(super) struct Dirty {
    /// Paths to look at.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Look at everything: events were lost.
    pub(super) everything: bool,
    open: BTreeSet<PathBuf>,
    first: Option<Instant>,
    last: Option<Instant>,
    removed: Option<Instant>,
}

// === impl Dirty ===

impl Dirty {
    /// Takes an event that came at `now`.
    pub(super) fn note(&mut self, event: &Event, now: Instant) {
        if event.need_rescan() {
            return self.note_loss(now);
        }
        let is_closed = matches!(
            event.kind,
            EventKind::Access(AccessKind::Close(AccessMode::Write))
        );
        if matches!(event.kind, EventKind::Access(_)) && !is_closed {
            return;
        }
        let is_removal = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))
        );
        let is_open = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
        for path in &event.paths {
            if is_open {
                self.open.insert(path.clone());
            } else {
                self.open.remove(path);
            }
            self.paths.insert(path.clone());
        }
        if is_removal {
            self.removed = Some(now);
        }
        if self.paths.len() > PATHS_MAX {
            self.everything = true;
            self.paths.clear();
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// Events were lost.
    pub(super) fn note_loss(&mut self, now: Instant) {
        self.everything = true;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// When to look; `None` if nothing has changed.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        let count = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        let mut quiet = LONE.saturating_mul(count.max(1)).min(STORM);
        if self.everything {
            quiet = STORM;
        }
        if !self.open.is_empty() {
            quiet = quiet.max(OPEN);
        }
        let after_removal = self.removed.map_or(last, |removed| removed + REMOVED);
        Some((last + quiet).max(after_removal).min(first + LONGEST))
    }

    /// When the first of it happened.
    pub(super) fn since(&self) -> Option<Instant> {
        self.first
    }

    /// Puts back what was taken, since it could not be worked off.
    pub(super) fn put_back(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.everything |= other.everything;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, RemoveKind};

    use super::*;

    const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));
    const DATA: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    fn wait(dirty: &Dirty, now: Instant) -> Duration {
        dirty.due().unwrap().saturating_duration_since(now)
    }

    #[test]
    fn a_lone_closed_file_waits_next_to_nothing() {
        let now = Instant::now();
        let mut dirty = Dirty::default();
        assert_eq!(dirty.due(), None);
        dirty.note(
            &event(EventKind::Access(AccessKind::Open(AccessMode::Read)), "/a"),
            now,
        );
        assert_eq!(dirty.due(), None, "reading is no change");
        dirty.note(&event(DATA, "/a"), now);
        assert_eq!(wait(&dirty, now), OPEN);
        dirty.note(&event(CLOSED, "/a"), now);
        assert_eq!(wait(&dirty, now), LONE);
    }

    #[test]
    fn a_storm_widens_the_window_and_cannot_hold_for_ever() {
        let start = Instant::now();
        let mut dirty = Dirty::default();
        let mut now = start;
        for n in 0..1000 {
            now = start + Duration::from_millis(n);
            dirty.note(&event(CLOSED, &format!("/{n}")), now);
        }
        assert_eq!(wait(&dirty, now), STORM);
        now = start + Duration::from_secs(5);
        dirty.note(&event(CLOSED, "/x"), now);
        assert_eq!(wait(&dirty, now), Duration::ZERO);
    }

    #[test]
    fn a_removal_waits_for_what_may_replace_it() {
        let now = Instant::now();
        let mut dirty = Dirty::default();
        dirty.note(&event(EventKind::Remove(RemoveKind::File), "/a"), now);
        assert_eq!(wait(&dirty, now), REMOVED);
        dirty.note(&event(EventKind::Create(CreateKind::File), "/a"), now);
        assert_eq!(wait(&dirty, now), REMOVED);
    }

    #[test]
    fn too_many_paths_become_a_look_at_everything() {
        let now = Instant::now();
        let mut dirty = Dirty::default();
        for n in 0..=PATHS_MAX {
            dirty.note(&event(CLOSED, &format!("/{n}")), now);
        }
        assert!(dirty.everything && dirty.paths.is_empty());
    }
}
