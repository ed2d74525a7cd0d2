//! The agent as a library, so that tests run it in their own process.
//!
//! [`run`] is the whole of it: files come in by [`control`], the program lives in [`supervisor`],
//! [`ready`] tells the kubelet, [`tunnel`] relays to the gateway. The other modules are its other subcommands.

pub mod control;
pub mod environment;
pub mod events;
pub mod group;
pub mod install;
pub mod listener;
pub mod listening;
pub mod place;
pub mod processes;
pub mod ready;
pub mod reap;
pub mod run;
pub mod saved;
pub mod seed;
pub mod supervisor;
pub mod tunnel;
