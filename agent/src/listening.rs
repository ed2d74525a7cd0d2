//! Which TCP ports listen in this network namespace, read from the kernel.
//!
//! A connection as a probe would show up in the program's log and count as a request.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The state of a listening socket in `/proc/net/tcp` (TCP_LISTEN, include/net/tcp_states.h).
const LISTEN: &str = "0A";
/// `::1` in `/proc/net/tcp6`, on a machine whose lowest byte comes first.
const LOOPBACK_6: &str = "00000000000000000000000001000000";

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

/// The loopback address by which what listens on `port` is reached: `::1` only where nothing listens on 127.0.0.1 or
/// on every address.
#[must_use]
pub fn loopback(port: u16) -> IpAddr {
    let table = |name: &str| fs::read_to_string(name).unwrap_or_default();
    by_family(&table("/proc/net/tcp"), &table("/proc/net/tcp6"), port)
}

fn by_family(tcp: &str, tcp6: &str, port: u16) -> IpAddr {
    let is_four = listening(tcp).any(|found| found == port);
    let of_one: Vec<&str> = lines(tcp6)
        .filter(|(_, found)| *found == port)
        .map(|(address, _)| address)
        .collect();
    if !is_four && !of_one.is_empty() && of_one.iter().all(|address| *address == LOOPBACK_6) {
        Ipv6Addr::LOCALHOST.into()
    } else {
        Ipv4Addr::LOCALHOST.into()
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
    lines(table).map(|(_, port)| port)
}

/// Address (in hexadecimal, as the kernel writes it) and port of each listening socket of one table.
fn lines(table: &str) -> impl Iterator<Item = (&str, u16)> + '_ {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let address = fields.next()?;
        let state = fields.nth(1)?;
        let (address, port) = address.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok().filter(|_| state == LISTEN)?;
        Some((address, port))
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
    fn a_listener_on_the_other_loopback_is_told_apart() {
        let head = "  sl  local_address rem_address   st\n";
        let line = |address: &str| format!("{head}   0: {address}:1F90 0:0 0A 0\n");
        let (loopback, any) = (line(LOOPBACK_6), line("00000000000000000000000000000000"));
        let four: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert_eq!(by_family(head, &loopback, 8080), Ipv6Addr::LOCALHOST);
        assert_eq!(by_family(head, &any, 8080), four);
        assert_eq!(by_family(&line("0100007F"), &loopback, 8080), four);
        assert_eq!(by_family(head, head, 8080), four);
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
