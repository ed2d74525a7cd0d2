//! A router under test with its table.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use devspace_core::chain::{SpaceSet, SpaceView};
use devspace_core::table::{
    Backend, CopyRoute, Gateway, HostRules, PathMatch, PathRule, PortRoute, Protocol, RouteTable,
};
use devspace_core::{ServiceName, SpaceName};
use devspace_data_plane::{Entry, Listeners, Metrics, Router, Settings, Tables};

/// The listener of the service `package`.
pub(crate) const PACKAGE: u16 = 20_000;

/// A test fails when something takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) tables: Arc<Tables>,
    pub(crate) table: RouteTable,
    /// Where `package` is served.
    pub(crate) package: SocketAddr,
    pub(crate) gateway: SocketAddr,
    pub(crate) router: Router,
}

pub(crate) fn space(name: &str) -> SpaceName {
    SpaceName::try_new(name).unwrap()
}

pub(crate) fn settings() -> Settings {
    let threads = std::num::NonZeroUsize::new(2).unwrap();
    let mut settings = Settings {
        threads,
        ..Settings::default()
    };
    settings.waits.baseline_hold = Duration::from_millis(100);
    settings.waits.unknown_listener = Duration::from_millis(500);
    settings.drain.delay = Duration::ZERO;
    settings
}

/// A table with the spaces `red` and `blue`, and one service with these endpoints.
pub(crate) fn table(protocol: Protocol, baseline: &[SocketAddr]) -> RouteTable {
    let port = PortRoute {
        service: ServiceName::try_new("package").unwrap(),
        name: "http".into(),
        port: 80,
        protocol,
        client_affinity: false,
        retired: false,
        baseline: Some(baseline.to_vec()),
        spaces: HashMap::new(),
    };
    let rule = PathRule {
        path: PathMatch::Prefix("/".into()),
        backend: Backend::Listener(PACKAGE),
    };
    RouteTable {
        spaces: ["red", "blue"]
            .map(|name| (space(name), SpaceView::default()))
            .into_iter()
            .collect::<SpaceSet>(),
        listeners: [(PACKAGE, port)].into(),
        gateway: Gateway {
            hosts: vec!["shop.test".into()],
            rules: vec![HostRules {
                host: Some("shop.test".into()),
                paths: vec![rule],
            }],
            ..Gateway::default()
        },
        ..RouteTable::default()
    }
}

impl World {
    pub(crate) fn start(table: RouteTable) -> Self {
        Self::with(settings(), table)
    }

    pub(crate) fn with(settings: Settings, table: RouteTable) -> Self {
        let world = Self::without_table(settings, table);
        world.publish();
        world
    }

    pub(crate) fn without_table(settings: Settings, table: RouteTable) -> Self {
        let socket = || TcpListener::bind("127.0.0.1:0").unwrap();
        let mut listeners = Listeners::default();
        let package = listeners.adopt(Entry::Listener(PACKAGE), socket()).unwrap();
        let gateway = listeners.adopt(Entry::Gateway, socket()).unwrap();
        let tables = Tables::new();
        let router = Router::start(settings, listeners, &tables, &Arc::new(Metrics::default())).unwrap();
        Self {
            tables,
            table,
            package,
            gateway,
            router,
        }
    }

    pub(crate) fn publish(&self) {
        self.tables.publish(self.table.clone());
    }

    /// Gives `space` a copy at `endpoints`, down where there are none.
    pub(crate) fn copy(&mut self, of: &str, endpoints: &[SocketAddr], hold: Duration) {
        let copy = CopyRoute {
            space: space(of),
            endpoints: endpoints.to_vec(),
            hold,
            after: None,
        };
        self.table
            .listeners
            .get_mut(&PACKAGE)
            .unwrap()
            .spaces
            .insert(space(of), copy);
        self.publish();
    }

    pub(crate) fn caller(&mut self, address: &str, of: &str) {
        self.table
            .callers
            .insert(address.parse::<IpAddr>().unwrap(), space(of));
        self.publish();
    }
}

/// Fails the test when `future` takes too long.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("took too long")
}
