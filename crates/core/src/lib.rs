//! Names, space keys, chains, the route table and its decisions.
//!
//! Pure: no I/O, no tokio, no kube. Everything here is a value or a function over values,
//! so that the router, the controller and the CLI cannot disagree about what a name or a key means.

pub mod chain;
pub mod host;
pub mod key;
pub mod name;
pub mod ports;
pub mod table;

pub use name::{InvalidName, ServiceName, SpaceName};
