//! Names of spaces and services.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest DNS label (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// Longer than a DNS label may be.
    #[error("`{0}` is longer than 63 characters")]
    TooLong(String),
    /// A character that a DNS label (RFC 1123) cannot hold.
    #[error("`{name}` has the character `{found}`; only a-z, 0-9 and `-` may stand in it")]
    Character {
        /// The text as given.
        name: String,
        /// The first offending character.
        found: char,
    },
    /// Begins or ends with a hyphen.
    #[error("`{0}` begins or ends with `-`")]
    Edge(String),
    /// Holds the separator of flat host names.
    #[error("`{0}` holds `--`, which separates a space from a host in `red--shop.example.test`")]
    DoubleHyphen(String),
}

/// The name of a space, which is also its space key: a DNS label (RFC 1123) without `--`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpaceName(Box<str>);

/// The name of a Service of the baseline: a DNS label (RFC 1123).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Box<str>);

fn check_label(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty);
    }
    if text.len() > LABEL_MAX {
        return Err(InvalidName::TooLong(text.to_owned()));
    }
    if let Some(found) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Err(InvalidName::Character {
            name: text.to_owned(),
            found,
        });
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(InvalidName::Edge(text.to_owned()));
    }
    Ok(())
}

macro_rules! name_traits {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::try_new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::try_new(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        // A map keyed by names is searched with the text of a request, without making a name first.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_traits!(SpaceName);
name_traits!(ServiceName);

// === impl SpaceName ===

impl SpaceName {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// [`InvalidName`] names the first rule that `text` breaks.
    pub fn try_new(text: &str) -> Result<Self, InvalidName> {
        check_label(text)?;
        if text.contains("--") {
            return Err(InvalidName::DoubleHyphen(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

// === impl ServiceName ===

impl ServiceName {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// [`InvalidName`] names the first rule that `text` breaks.
    pub fn try_new(text: &str) -> Result<Self, InvalidName> {
        check_label(text)?;
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_a_label_without_double_hyphen() {
        assert!(SpaceName::try_new("red").is_ok());
        assert!(SpaceName::try_new("pr-123").is_ok());
        assert_eq!(SpaceName::try_new(""), Err(InvalidName::Empty));
        assert_eq!(
            SpaceName::try_new("a--b"),
            Err(InvalidName::DoubleHyphen("a--b".into()))
        );
        assert_eq!(SpaceName::try_new("-a"), Err(InvalidName::Edge("-a".into())));
        assert!(matches!(
            SpaceName::try_new("Red"),
            Err(InvalidName::Character { found: 'R', .. })
        ));
        assert!(matches!(
            SpaceName::try_new(&"a".repeat(64)),
            Err(InvalidName::TooLong(_))
        ));
        assert!(SpaceName::try_new(&"a".repeat(63)).is_ok());
    }

    #[test]
    fn a_bad_name_does_not_come_in_by_json() {
        assert!(serde_json::from_str::<SpaceName>("\"a b\"").is_err());
        assert!(serde_json::from_str::<ServiceName>("\"package\"").is_ok());
    }
}
