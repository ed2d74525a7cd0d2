//! The daemon as a process, with real agents and real programs, over its socket and its router.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod client;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod workspaces;
