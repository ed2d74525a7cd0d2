//! The router of one workspace and its listening sockets.

use std::collections::BTreeSet;
use std::net::{Ipv6Addr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use devspace_data_plane::{Entry, Listeners, Metrics, Router, Settings, StartError, Tables};

use crate::port::Ports;
use crate::port_holder::holder;

/// Threads of one router: it carries one developer's requests.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
/// How long a request waits for a service of the baseline that starts or restarts.
const BASELINE_HOLD: Duration = Duration::from_secs(5);

/// The part of the workspace's gateway.
const GATEWAY: &str = "gateway";

/// Sockets of one workspace. The router cannot close one, so those of what is gone are used again.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) ports: Ports,
    router: Router,
    tables: Arc<Tables>,
    /// Sockets for services, and for entries of spaces.
    services: BTreeSet<u16>,
    entries: BTreeSet<u16>,
    gateways: BTreeSet<u16>,
    /// Sockets that the router does not have yet.
    fresh: Listeners,
}

// === impl Addresses ===

impl Addresses {
    /// A router that listens nowhere yet. `file` keeps the ports.
    pub(crate) fn start(file: PathBuf) -> Result<Self, StartError> {
        let mut settings = Settings {
            threads: THREADS,
            ..Settings::default()
        };
        settings.waits.baseline_hold = BASELINE_HOLD;
        let tables = Tables::new();
        let metrics = Arc::new(Metrics::default());
        Ok(Self {
            ports: Ports::open(file),
            router: Router::start(settings, Listeners::default(), &tables, &metrics)?,
            tables,
            services: BTreeSet::new(),
            entries: BTreeSet::new(),
            gateways: BTreeSet::new(),
            fresh: Listeners::default(),
        })
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The listener for `part`, a port of a service as one caller sees it.
    pub(crate) fn service(&mut self, part: &str) -> Option<u16> {
        if let Some(port) = open_already(&mut self.ports, &self.services, part) {
            return Some(port);
        }
        let port = self.open(part, Entry::Listener)?;
        self.services.insert(port);
        Some(port)
    }

    /// The entry of `part`, a space.
    pub(crate) fn entry(&mut self, part: &str) -> Option<u16> {
        if let Some(port) = open_already(&mut self.ports, &self.entries, part) {
            return Some(port);
        }
        let port = self.open(part, Entry::GatewayFor)?;
        self.entries.insert(port);
        Some(port)
    }

    /// The workspace's gateway, on `asked` if that is free. With who has it, where it is not.
    pub(crate) fn gateway(&mut self, asked: Option<u16>) -> Option<(u16, Option<String>)> {
        let open = self.ports.of(GATEWAY).filter(|port| self.gateways.contains(port));
        let Some(asked) = asked else {
            let port = match open {
                Some(port) => port,
                None => self.open(GATEWAY, |_| Entry::Gateway)?,
            };
            self.gateways.insert(port);
            return Some((port, None));
        };
        if self.gateways.contains(&asked) {
            self.ports.set(GATEWAY, asked);
            return Some((asked, None));
        }
        if let Ok(socket) = TcpListener::bind(("127.0.0.1", asked)) {
            self.ports.set(GATEWAY, asked);
            let port = self.adopt(socket, |_| Entry::Gateway)?;
            self.gateways.insert(port);
            return Some((port, None));
        }
        let note = format!("port {asked} is taken by {}", holder(asked));
        let (port, _) = self.gateway(None)?;
        Some((port, Some(note)))
    }

    /// Gives new sockets to the router.
    pub(crate) fn flush(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        if let Err(error) = self.router.add(std::mem::take(&mut self.fresh)) {
            tracing::error!(%error, "new addresses are not served");
        }
    }

    fn open(&mut self, part: &str, entry: impl Fn(u16) -> Entry) -> Option<u16> {
        let socket = self.ports.bind(part)?;
        self.adopt(socket, entry)
    }

    fn adopt(&mut self, socket: TcpListener, entry: impl Fn(u16) -> Entry) -> Option<u16> {
        let port = socket.local_addr().ok()?.port();
        let entry = entry(port);
        if !matches!(entry, Entry::Listener(_))
            && let Ok(second) = TcpListener::bind((Ipv6Addr::LOCALHOST, port))
        {
            // Browsers try `::1` for names below `localhost` first; without it they go on to 127.0.0.1.
            if let Err(error) = self.fresh.adopt(entry, second) {
                tracing::debug!(%error, "the gateway is not reached by IPv6");
            }
        }
        self.fresh.adopt(entry, socket).ok().map(|address| address.port())
    }
}

/// The part's own socket, or one that plays no part any more.
fn open_already(ports: &mut Ports, open: &BTreeSet<u16>, part: &str) -> Option<u16> {
    if let Some(port) = ports.of(part) {
        return Some(port).filter(|port| open.contains(port));
    }
    let taken = ports.taken();
    let free = open.iter().copied().find(|port| !taken.contains(port))?;
    ports.set(part, free);
    Some(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(folder: &tempfile::TempDir) -> Addresses {
        Addresses::start(folder.path().join("ports.json")).unwrap()
    }

    #[test]
    fn a_socket_that_plays_no_part_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut addresses = addresses(&folder);
        let first = addresses.service("a").unwrap();
        assert_eq!(addresses.service("a"), Some(first));
        assert_ne!(addresses.service("b"), Some(first));
        addresses.ports.keep(|part| part == "b");
        assert_eq!(addresses.service("c"), Some(first));
        assert_ne!(addresses.entry("d"), Some(first), "an entry is no service");
        addresses.flush();
        assert!(addresses.fresh.is_empty());
    }

    #[test]
    fn a_gateway_whose_port_is_taken_says_by_whom_and_stays_where_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = taken.local_addr().unwrap().port();
        let mut addresses = addresses(&folder);
        let (port, note) = addresses.gateway(Some(asked)).unwrap();
        assert_ne!(port, asked);
        assert!(note.unwrap().contains(&format!("(pid {})", std::process::id())));
        assert_eq!(addresses.gateway(None), Some((port, None)));
        drop(taken);
        assert_eq!(addresses.gateway(Some(asked)), Some((asked, None)));
    }
}
