//! The data plane with real sockets on loopback: every test starts a router of its own on free ports.

mod backend;
mod client;
mod drain;
mod entry;
mod hold;
mod http;
mod opaque;
mod pool;
mod rules;
mod world;
