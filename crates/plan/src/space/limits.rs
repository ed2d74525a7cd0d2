//! How many spaces a baseline holds.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A space in the order in which spaces count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// When it was made.
    pub created: Option<Time>,
    /// Its name.
    pub name: String,
}

/// Whether `space` is one too many: the limit counts spaces from the oldest.
#[must_use]
pub fn is_over(space: &str, all: &[Counted], limit: Option<u32>) -> bool {
    let Some(limit) = limit else { return false };
    let Some(this) = all.iter().find(|counted| counted.name == space) else {
        return false;
    };
    let before = |other: &&Counted| (&other.created, &other.name) < (&this.created, &this.name);
    all.iter().filter(before).count() >= usize::try_from(limit).unwrap_or(usize::MAX)
}
