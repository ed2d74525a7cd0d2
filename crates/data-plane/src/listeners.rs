//! Listening sockets, opened apart from what serves them.
//!
//! They are plain `std` sockets, so that another process may open and hand them over, and so that every serving
//! thread can have a clone: a clone shares the queue of the kernel, so no connection is lost with a thread.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

/// The length of the queue of connections that are not accepted yet; the kernel cuts it at `somaxconn`.
const BACKLOG: i32 = 4096;

/// What a listening socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    /// One port of one intercepted Service, by its listener port in the table.
    Listener(u16),
    /// People's entry.
    Gateway,
    /// People's entry for one space: callers count as a pod of the space that the table names for this number.
    GatewayFor(u16),
}

// === impl Entry ===

impl Entry {
    /// Whether it is people's entry.
    pub(crate) fn is_gateway(self) -> bool {
        matches!(self, Self::Gateway | Self::GatewayFor(_))
    }

    /// The number by which the table may know a space that its callers stand for.
    pub(crate) fn number(self) -> Option<u16> {
        match self {
            Self::Gateway => None,
            Self::Listener(number) | Self::GatewayFor(number) => Some(number),
        }
    }
}

/// Open listening sockets.
#[derive(Debug, Default)]
pub struct Listeners {
    pub(crate) sockets: Vec<(Entry, TcpListener)>,
    failed: Vec<BindFailure>,
}

/// A port that could not be bound. The others are.
#[derive(Debug, thiserror::Error)]
#[error("port {port} cannot be bound")]
pub struct BindFailure {
    /// The port.
    pub port: u16,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Why a socket given from elsewhere cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// It cannot be set to not block.
    #[error("the listening socket cannot be set to not block")]
    NonBlocking(#[source] io::Error),
    /// It has no address.
    #[error("the listening socket has no address")]
    Address(#[source] io::Error),
}

// === impl Listeners ===

impl Listeners {
    /// Binds every port of `range` on `address` as the listener of that number. A port that fails is noted and
    /// never stops the rest.
    #[must_use]
    pub fn bind(address: IpAddr, range: RangeInclusive<u16>) -> Self {
        let mut listeners = Self::default();
        for port in range {
            listeners.bind_one(Entry::Listener(port), SocketAddr::new(address, port));
        }
        listeners
    }

    /// Binds the gateway on `address` as well. A failure is noted.
    #[must_use]
    pub fn with_gateway(mut self, address: SocketAddr) -> Self {
        self.bind_one(Entry::Gateway, address);
        self
    }

    /// Adds a socket that somebody else opened.
    ///
    /// # Errors
    /// [`ReserveError`] where it cannot be used; the other sockets stay.
    pub fn adopt(&mut self, entry: Entry, socket: TcpListener) -> Result<SocketAddr, ReserveError> {
        socket.set_nonblocking(true).map_err(ReserveError::NonBlocking)?;
        let address = socket.local_addr().map_err(ReserveError::Address)?;
        self.sockets.push((entry, socket));
        Ok(address)
    }

    /// Ports that could not be bound.
    #[must_use]
    pub fn failed(&self) -> &[BindFailure] {
        &self.failed
    }

    /// How many sockets are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether no socket is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// The same sockets once more, for another thread.
    pub(crate) fn try_clone(&self) -> io::Result<Vec<(Entry, TcpListener)>> {
        self.sockets
            .iter()
            .map(|(entry, socket)| Ok((*entry, socket.try_clone()?)))
            .collect()
    }

    fn bind_one(&mut self, entry: Entry, address: SocketAddr) {
        match open(address) {
            Ok(socket) => self.sockets.push((entry, socket)),
            Err(source) => self.failed.push(BindFailure {
                port: address.port(),
                source,
            }),
        }
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `::` takes IPv4 as well, so that one socket serves both families of a pod.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_taken_port_does_not_stop_the_rest() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let taken = TcpListener::bind((loopback, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let listeners = Listeners::bind(loopback, port..=port).with_gateway(SocketAddr::new(loopback, 0));
        assert_eq!(
            listeners.failed().iter().map(|f| f.port).collect::<Vec<_>>(),
            [port]
        );
        assert_eq!(listeners.len(), 1);
    }
}
