//! Spaces and the chain of parents that a request of a space falls back along.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::SpaceName;

/// How many parents a space may have above it where the Baseline says nothing, the baseline not counted.
pub const DEFAULT_DEPTH: u8 = 4;

/// What the router and the controller know of one space.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceView {
    /// The space that requests fall back to. `None`: the baseline.
    pub parent: Option<SpaceName>,
    /// The personal namespace, as the controller wrote it into the Space's status.
    pub namespace: Option<String>,
}

/// All spaces of one baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpaceSet(BTreeMap<SpaceName, SpaceView>);

/// A space and its parents, nearest first; never empty. The baseline comes after the last and is not named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain(Vec<SpaceName>);

/// Why a space has no chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The space itself is not there.
    #[error("there is no space `{0}`")]
    Unknown(SpaceName),
    /// A parent is not there.
    #[error("space `{child}` names the parent `{parent}`, which does not exist")]
    UnknownParent {
        /// The space that names it.
        child: SpaceName,
        /// The parent.
        parent: SpaceName,
    },
    /// Following the parents leads back.
    #[error("the parents of space `{0}` lead back to it")]
    Cycle(SpaceName),
    /// More spaces than the baseline allows.
    #[error("space `{leaf}` has more than {max} spaces in its chain")]
    TooDeep {
        /// The space asked for.
        leaf: SpaceName,
        /// The limit, the leaf counted.
        max: NonZeroU8,
    },
}

/// Follows the parents of `leaf` down to the baseline. `max` bounds the chain's length, `leaf` counted.
///
/// # Errors
/// [`ChainError`] where a space is missing, the parents form a ring, or the chain is longer than `max`.
pub fn resolve_chain(spaces: &SpaceSet, leaf: &SpaceName, max: NonZeroU8) -> Result<Chain, ChainError> {
    let mut view = spaces
        .get(leaf)
        .ok_or_else(|| ChainError::Unknown(leaf.clone()))?;
    let mut chain = vec![leaf.clone()];
    while let Some(parent) = &view.parent {
        if chain.contains(parent) {
            return Err(ChainError::Cycle(parent.clone()));
        }
        if chain.len() >= usize::from(max.get()) {
            return Err(ChainError::TooDeep {
                leaf: leaf.clone(),
                max,
            });
        }
        view = spaces.get(parent).ok_or_else(|| ChainError::UnknownParent {
            child: chain.last().unwrap_or(leaf).clone(),
            parent: parent.clone(),
        })?;
        chain.push(parent.clone());
    }
    Ok(Chain(chain))
}

// === impl SpaceSet ===

impl SpaceSet {
    /// The space `name`.
    #[must_use]
    pub fn get(&self, name: &SpaceName) -> Option<&SpaceView> {
        self.0.get(name)
    }

    /// Whether there is a space `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every space in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&SpaceName, &SpaceView)> {
        self.0.iter()
    }

    /// How many spaces there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(SpaceName, SpaceView)> for SpaceSet {
    fn from_iter<I: IntoIterator<Item = (SpaceName, SpaceView)>>(spaces: I) -> Self {
        Self(spaces.into_iter().collect())
    }
}

// === impl Chain ===

impl Chain {
    /// The spaces, nearest first.
    #[must_use]
    pub fn spaces(&self) -> &[SpaceName] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> SpaceName {
        SpaceName::try_new(text).unwrap()
    }

    fn set(pairs: &[(&str, Option<&str>)]) -> SpaceSet {
        let view = |parent: &Option<&str>| SpaceView {
            parent: parent.map(name),
            namespace: None,
        };
        pairs
            .iter()
            .map(|(space, parent)| (name(space), view(parent)))
            .collect()
    }

    fn chain(spaces: &SpaceSet, leaf: &str, max: u8) -> Result<Vec<String>, ChainError> {
        resolve_chain(spaces, &name(leaf), NonZeroU8::new(max).unwrap())
            .map(|chain| chain.spaces().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_chain_is_nearest_first() {
        let spaces = set(&[("red", Some("team")), ("team", None)]);
        assert_eq!(chain(&spaces, "red", 5).unwrap(), ["red", "team"]);
        assert_eq!(chain(&spaces, "team", 1).unwrap(), ["team"]);
    }

    #[test]
    fn what_has_no_chain_says_why() {
        let spaces = set(&[
            ("a", Some("b")),
            ("b", Some("a")),
            ("c", Some("gone")),
            ("d", Some("c")),
        ]);
        assert!(matches!(chain(&spaces, "a", 5), Err(ChainError::Cycle(_))));
        assert!(matches!(chain(&spaces, "x", 5), Err(ChainError::Unknown(_))));
        let Err(ChainError::UnknownParent { child, parent }) = chain(&spaces, "d", 5) else {
            panic!("no error")
        };
        assert_eq!((child.as_str(), parent.as_str()), ("c", "gone"));
        assert!(matches!(chain(&spaces, "d", 1), Err(ChainError::TooDeep { .. })));
    }
}
