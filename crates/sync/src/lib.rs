//! Keeps a copy's folder equal to the developer's: scan, ignore rules, manifest, diff, transfer, and the protocol between CLI and agent.

pub mod protocol;
pub mod session;
pub mod wire;
