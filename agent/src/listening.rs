//! Which TCP ports listen in this network namespace, read from the kernel.
//!
//! A connection as a probe would show up in the program's log and count as a request.

use std::collections::BTreeSet;
use std::fs;

/// The state of a listening socket in `/proc/net/tcp` (TCP_LISTEN, include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// All of `ports` listen. True if there are none.
#[must_use]
pub fn all_listen(ports: &[u16]) -> bool {
    ports.is_empty() || {
        let found = now();
        ports.iter().all(|port| found.contains(port))
    }
}

/// One of `ports` listens.
#[must_use]
pub fn any_listens(ports: &[u16]) -> bool {
    !ports.is_empty() && {
        let found = now();
        ports.iter().any(|port| found.contains(port))
    }
}

fn now() -> BTreeSet<u16> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    // A kernel without IPv6 has no tcp6.
    tables
        .into_iter()
        .flat_map(|table| listening(&fs::read_to_string(table).unwrap_or_default()).collect::<Vec<_>>())
        .collect()
}

/// The listening ports of one table (proc_net_tcp, Documentation/networking/proc_net_tcp.rst of the kernel).
fn listening(table: &str) -> impl Iterator<Item = u16> + '_ {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let address = fields.next()?;
        let state = fields.nth(1)?;
        let port = address.rsplit_once(':')?.1;
        if state == LISTEN {
            u16::from_str_radix(port, 16).ok()
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n\
            1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 0 0 1\n";
        assert_eq!(listening(table).collect::<Vec<_>>(), [8080]);
    }

    #[test]
    fn a_real_listener_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(all_listen(&[port]));
        drop(listener);
        assert!(!all_listen(&[port]));
        assert!(all_listen(&[]));
    }
}
