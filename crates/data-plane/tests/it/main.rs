//! The data plane with real sockets on loopback: every test starts a router of its own on free ports.

#[cfg(test)]
mod backend;
#[cfg(test)]
mod client;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod entry;
#[cfg(test)]
mod hold;
#[cfg(test)]
mod http;
#[cfg(test)]
mod load;
#[cfg(test)]
mod opaque;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod world;
