//! `devspace init`: from the files of a folder to a `devspace.yaml`. Pure but for the trait [`Files`].
//!
//! [`look`] finds the language and drafts every value, [`choose`] names the service, [`render`] writes the text.

mod choose;
mod dockerfile;
mod draft;
mod error;
mod files;
mod ignore;
mod lang;
mod listening;
mod look;
mod render;
pub(crate) mod vscode;
pub(crate) mod workspace;
mod yaml;

pub(crate) use choose::{Choice, best, candidates, choose, label};
pub(crate) use draft::{Draft, Said};
pub(crate) use error::{DetectError, InitError};
pub(crate) use files::{Disk, Files};
pub(crate) use ignore::{IGNORE_FILE, unignored};
pub(crate) use look::{LookError, Looked, look};
pub(crate) use render::{Filled, render};

#[cfg(test)]
mod tests;
