//! Rows of tables. In JSON each is an event of its own.

use serde::Serialize;

/// A copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CopyRow {
    pub(crate) space: String,
    pub(crate) service: String,
    pub(crate) phase: String,
    pub(crate) routed: bool,
    pub(crate) pod: Option<String>,
    /// The revision in the copy, as its agent says it. Unset where the agent does not answer.
    pub(crate) revision: Option<u64>,
    /// Whether this folder and the copy hold the same, if that was compared.
    pub(crate) in_sync: Option<bool>,
    /// Whether the baseline's template changed since the copy was derived.
    pub(crate) drift: bool,
    /// Why it is not ready, where something says so.
    pub(crate) message: String,
    /// What was dropped or changed of the baseline's template.
    pub(crate) changes: Vec<String>,
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SpaceRow {
    pub(crate) space: String,
    pub(crate) baseline: String,
    pub(crate) owner: String,
    pub(crate) parent: Option<String>,
    pub(crate) namespace: Option<String>,
    /// Unset where the caller may not look into the personal namespace.
    pub(crate) services: Option<Vec<String>>,
    pub(crate) url: Option<String>,
    pub(crate) ready: bool,
    pub(crate) message: String,
    /// RFC 3339.
    pub(crate) created: Option<String>,
    /// For people: `3h`.
    #[serde(skip)]
    pub(crate) age: String,
}

/// A Service of the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InterceptionRow {
    pub(crate) baseline: String,
    pub(crate) service: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// A service of a workspace on the local engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LocalServiceRow {
    pub(crate) workspace: String,
    pub(crate) service: String,
    pub(crate) phase: String,
    /// Its address behind the router.
    pub(crate) url: String,
    /// How often its program ended by itself.
    pub(crate) crashes: u32,
    /// What is wrong, with the last lines.
    pub(crate) message: String,
}

/// A value in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SettingRow {
    pub(crate) key: String,
    /// Unset where nothing gives one.
    pub(crate) value: Option<String>,
    /// What gave it, or why there is none.
    pub(crate) origin: String,
    /// What could set it, strongest first.
    pub(crate) ways: Vec<String>,
}
