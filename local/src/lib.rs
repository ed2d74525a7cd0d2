//! The engine `local`: spaces on one machine, with processes in the place of pods.
//!
//! `docs/design/0006-local-engine.md` says how it works. [`protocol`] is what the CLI and the daemon agree on,
//! [`serve`] is the daemon, [`agent`] is what it starts for each service and each copy.
//!
//! The daemon in files: `api` answers the socket, `store` keeps the objects, `workspace` is one actor for each
//! workspace that compares what is wanted with what is (`plan`, `views`, `status` are its pure parts), and `unit` is
//! one agent with its program.

mod address;
pub mod agent;
mod api;
mod cache;
mod daemon;
mod drive;
mod environment;
mod files;
mod home;
mod leftover;
mod log;
mod plan;
mod port;
mod port_holder;
pub mod protocol;
mod reach;
pub mod serve;
pub mod settings;
mod status;
mod store;
mod strays;
mod toolchain;
mod unit;
mod views;
mod workspace;
