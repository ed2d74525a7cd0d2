//! Who listens on a port, as far as `/proc` shows it.

use std::fs;

use crate::files;

/// The state of a listening socket in `/proc/net/tcp` (TCP_LISTEN, include/net/tcp_states.h).
const LISTEN: &str = "0A";

/// `nginx (pid 12)`, or `another program` where it is another user's or cannot be seen.
pub(crate) fn holder(port: u16) -> String {
    find(port).unwrap_or_else(|| "another program".to_owned())
}

fn find(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let text: String = tables
        .into_iter()
        .map(|table| fs::read_to_string(table).unwrap_or_default())
        .collect();
    let inode = inode(&text, port)?;
    let link = format!("socket:[{inode}]");
    for process in files::entries("/proc".as_ref()) {
        let Ok(pid) = files::name_of(&process).parse::<u32>() else {
            continue;
        };
        let holds = files::entries(&process.join("fd"))
            .iter()
            .any(|open| fs::read_link(open).is_ok_and(|to| to.as_os_str() == link.as_str()));
        if holds {
            let name = fs::read_to_string(process.join("comm")).ok()?;
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

/// The inode of the socket that listens on `port` (Documentation/networking/proc_net_tcp.rst of the kernel).
fn inode(table: &str, port: u16) -> Option<&str> {
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, found) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == LISTEN && u16::from_str_radix(found, 16) == Ok(port);
        listens.then(|| fields.get(9).copied())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(holder(port).ends_with(&format!("(pid {})", std::process::id())));
        drop(taken);
        assert_eq!(holder(port), "another program");
    }
}
