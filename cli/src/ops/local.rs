//! `devspace local`: the daemon and the workspaces that it runs.

mod daemon;
mod error;
mod phases;
mod start;
mod stop;
mod workspace;

pub(crate) use daemon::{LOG, Launch};
pub(crate) use error::LocalError;
pub(crate) use phases::{outcome, row};
pub(crate) use start::{StartRequest, start};
pub(crate) use stop::stop;
pub(crate) use workspace::workspace;
