//! Opening the listeners, at start and when the table names more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use devspace_core::ports::LISTENER_LAST;
use devspace_data_plane::Listeners;
use tracing::{info, warn};

use crate::args::Args;

/// The block of listeners that is bound.
#[derive(Debug)]
pub(crate) struct Block {
    address: IpAddr,
    step: u16,
    /// The first port that is not bound.
    next: u16,
}

// === impl Block ===

impl Block {
    /// Binds the first block and the gateway. On a machine without IPv6 the IPv4 address is taken.
    pub(crate) fn open(args: &Args) -> (Self, Listeners) {
        let mut block = Self {
            address: args.bind_address(),
            step: args.listeners.max(1),
            next: args.first_listener,
        };
        if block.address.is_ipv6() && std::net::UdpSocket::bind((block.address, 0)).is_err() {
            block.address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        }
        let gateway = SocketAddr::new(block.address, args.gateway_port);
        let listeners = block.bind_step().with_gateway(gateway);
        report(&listeners);
        (block, listeners)
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Binds further steps until `wanted` is among them. `None`: it is already.
    pub(crate) fn grow(&mut self, wanted: u16) -> Vec<Listeners> {
        let mut grown = Vec::new();
        while wanted >= self.next && self.next <= LISTENER_LAST {
            let listeners = self.bind_step();
            report(&listeners);
            grown.push(listeners);
        }
        grown
    }

    fn bind_step(&mut self) -> Listeners {
        let last = self.next.saturating_add(self.step - 1).min(LISTENER_LAST);
        let listeners = Listeners::bind(self.address, self.next..=last);
        self.next = last.saturating_add(1);
        listeners
    }
}

fn report(listeners: &Listeners) {
    for failure in listeners.failed() {
        warn!(
            port = failure.port,
            error = crate::logging::chain(failure),
            "port cannot be bound"
        );
    }
    info!(open = listeners.len(), "listeners are bound");
}
