//! The operations behind the verbs. They never print, never end the process and never read the environment.

pub(crate) mod baseline;
pub(crate) mod config;
pub(crate) mod copies;
pub(crate) mod down;
pub(crate) mod forward;
pub(crate) mod list;
pub(crate) mod local;
pub(crate) mod logs;
pub(crate) mod restore;
pub(crate) mod spaces;
pub(crate) mod status;
pub(crate) mod target;
pub(crate) mod up;
