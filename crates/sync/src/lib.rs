//! Keeps a copy's folder equal to the developer's: scan, ignore rules, manifest, diff, transfer, and the protocol between CLI and agent.
//!
//! Both ends are here. The developer's end is [`session`] over [`scan`], [`diff`](mod@diff) and [`send`](mod@send);
//! the copy's end is [`store`]. They agree by [`manifest`] and speak by [`protocol`] over [`wire`].

pub mod diff;
pub mod frames;
pub mod identity;
pub mod inputs;
pub mod manifest;
pub mod path;
pub mod protocol;
pub mod rules;
pub mod scan;
pub mod send;
pub mod session;
pub mod store;
pub mod wire;
