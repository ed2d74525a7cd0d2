//! What was made of each copy, so that it is made again only when something has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use devspace_api::ServiceCopy;
use devspace_api::names::REFRESH_ANNOTATION;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource, ResourceExt};

/// After this time a copy is made again without any event: for mirrors, whose originals are not watched.
const LIFE: Duration = Duration::from_secs(60);

/// What the developer asks for, as far as making depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    uid: Option<String>,
    generation: Option<i64>,
    refresh: Option<String>,
}

/// What came of making.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Made {
    /// Why there is nothing.
    pub(super) refusal: Option<Refusal>,
    /// The baseline's namespace, where it is known.
    pub(super) baseline: Option<String>,
    /// The space, where it is known.
    pub(super) space: String,
    pub(super) container_ports: Vec<i32>,
    pub(super) command: Vec<String>,
    /// Hash of the baseline's template that the Deployment is derived from.
    pub(super) template_hash: Option<String>,
    pub(super) changes: Vec<String>,
    /// What has changed in the baseline and is not taken over.
    pub(super) drift: Option<String>,
}

/// Why a copy is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Whether it is waited for, and nobody need do anything.
    pub(super) waits: bool,
}

#[derive(Debug, Default)]
struct Entry {
    /// Counts what happened to the things that this copy is made from.
    epoch: u64,
    made: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    ask: Ask,
    epoch: u64,
    at: Instant,
    made: Arc<Made>,
}

/// What was made of each copy.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<ObjectRef<ServiceCopy>, Entry>>);

// === impl Ask ===

impl Ask {
    pub(super) fn of(copy: &ServiceCopy) -> Self {
        Self {
            uid: copy.uid(),
            generation: copy.meta().generation,
            refresh: copy.annotations().get(REFRESH_ANNOTATION).cloned(),
        }
    }

    /// The same as one text, for the Deployment to remember.
    pub(super) fn text(&self) -> String {
        let uid = self.uid.as_deref().unwrap_or_default();
        let refresh = self.refresh.as_deref().unwrap_or_default();
        format!("{uid}/{}/{refresh}", self.generation.unwrap_or_default())
    }
}

// === impl Memory ===

impl Memory {
    /// Something that `copy` is made from has changed.
    pub(super) fn outdate(&self, copy: &ObjectRef<ServiceCopy>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(copy.clone()).or_default();
        entry.epoch = entry.epoch.wrapping_add(1);
    }

    /// The count of changes, to be read before making begins.
    pub(super) fn epoch(&self, copy: &ObjectRef<ServiceCopy>) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(copy).map(|entry| entry.epoch).unwrap_or_default()
    }

    /// What was made, if nothing has changed since and it is not old, and for how long it counts.
    pub(super) fn current(&self, copy: &ObjectRef<ServiceCopy>, ask: &Ask) -> Option<(Arc<Made>, Duration)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get(copy)?;
        let kept = entry.made.as_ref()?;
        let left = LIFE
            .checked_sub(kept.at.elapsed())
            .filter(|left| !left.is_zero())?;
        (kept.ask == *ask && kept.epoch == entry.epoch).then(|| (Arc::clone(&kept.made), left))
    }

    /// Keeps what was made from what was there at `epoch`.
    pub(super) fn store(
        &self,
        copy: &ObjectRef<ServiceCopy>,
        ask: Ask,
        epoch: u64,
        made: Made,
    ) -> (Arc<Made>, Duration) {
        let made = Arc::new(made);
        let kept = Kept {
            ask,
            epoch,
            at: Instant::now(),
            made: Arc::clone(&made),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(copy.clone()).or_default().made = Some(kept);
        (made, LIFE)
    }

    /// Forgets `copy`, which is gone.
    pub(super) fn forget(&self, copy: &ObjectRef<ServiceCopy>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(copy);
    }
}

#[cfg(test)]
mod tests {
    use devspace_api::ServiceCopySpec;

    use super::*;

    #[test]
    fn what_changed_while_it_was_made_is_made_again() {
        let memory = Memory::default();
        let mut copy = ServiceCopy::new("package", ServiceCopySpec::default());
        let key = ObjectRef::from_obj(&copy);
        let epoch = memory.epoch(&key);
        memory.store(&key, Ask::of(&copy), epoch, Made::default());
        assert!(memory.current(&key, &Ask::of(&copy)).is_some());
        copy.metadata.generation = Some(2);
        assert!(memory.current(&key, &Ask::of(&copy)).is_none());

        let epoch = memory.epoch(&key);
        memory.outdate(&key);
        memory.store(&key, Ask::of(&copy), epoch, Made::default());
        assert!(memory.current(&key, &Ask::of(&copy)).is_none());
    }

    #[test]
    fn a_refresh_is_another_ask() {
        let mut copy = ServiceCopy::new("package", ServiceCopySpec::default());
        let before = Ask::of(&copy);
        copy.metadata.annotations = Some([(REFRESH_ANNOTATION.to_owned(), "2".to_owned())].into());
        assert_ne!(Ask::of(&copy).text(), before.text());
    }
}
