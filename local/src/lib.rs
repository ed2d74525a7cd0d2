//! The engine `local`: spaces on one machine, with processes in the place of pods.
//!
//! `docs/design/0006-local-engine.md` says how it works. [`protocol`] is what the CLI and the daemon agree on.

pub mod protocol;
