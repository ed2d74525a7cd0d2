//! The route table: one immutable value that says for every listener and space who answers.
//!
//! [`build_table`] makes it from plain views and resolves every fallback chain, so that [`route`] is one probe
//! for a keyed request and none for a keyless one. It serialises, so that a restarted router serves from disk.

mod build;
mod entry;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use build::{Refusal, build_table};
pub use entry::{Backend, Gateway, HostRules, PathRule};
pub use view::{
    BackendRef, BaselineView, CopySlice, CopyView, EndpointState, EndpointView, EntryRule, PathMatch,
    PlainService, PortRef, PortView, Protocol, ServiceView, SliceView, Standing, StandingEntry,
};

use crate::chain::SpaceSet;
use crate::key::CarrierPolicy;
use crate::{ServiceName, SpaceName};

/// Who answers, for every listener and space of one baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTable {
    /// Which carriers are read and written.
    pub carriers: CarrierPolicy,
    /// Every space.
    pub spaces: SpaceSet,
    /// Each listener's service port.
    pub listeners: BTreeMap<u16, PortRoute>,
    /// The space of each pod of a copy, by its address.
    pub callers: HashMap<IpAddr, SpaceName>,
    /// Listeners that stand for a pod of a space, whoever calls on them: on one machine all callers share an address.
    /// Empty in a cluster.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub standing: BTreeMap<u16, SpaceName>,
    /// People's entry.
    pub gateway: Gateway,
}

/// One port of one intercepted Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortRoute {
    /// The service.
    pub service: ServiceName,
    /// The port's name; empty where it has none.
    pub name: String,
    /// The number that callers use.
    pub port: u16,
    /// What is spoken on it.
    pub protocol: Protocol,
    /// Whether a caller's address chooses the endpoint.
    pub client_affinity: bool,
    /// Whether the port's service is gone from the baseline: kept connections are served and asked to leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// The baseline's endpoints. `None` until a slice of the service was seen.
    pub baseline: Option<Vec<SocketAddr>>,
    /// The copy that answers each space that does not get the baseline.
    pub spaces: HashMap<SpaceName, CopyRoute>,
}

/// A copy that answers a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyRoute {
    /// The space that the copy belongs to: the key's own or a parent.
    pub space: SpaceName,
    /// Ready endpoints. Empty: the copy was ready once and is down, so requests wait.
    pub endpoints: Vec<SocketAddr>,
    /// How long requests wait for it.
    pub hold: Duration,
    /// Who answers after that. `None`: nobody, the request fails and says why.
    pub after: Option<Box<After>>,
}

/// Who answers when a copy stays down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// The copy of a parent.
    Copy(CopyRoute),
    /// The baseline.
    Baseline,
}

/// Who answers one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'t> {
    /// The table does not know the listener.
    Unknown,
    /// The baseline.
    Baseline(&'t PortRoute),
    /// A copy, which may be down.
    Copy(&'t PortRoute, &'t CopyRoute),
}

/// Decides who answers a request with `key` that came to `listener`.
/// A request without a key gets the baseline, and so does one whose key names no space that has a copy in its chain.
#[must_use]
pub fn route<'t>(table: &'t RouteTable, listener: u16, key: Option<&SpaceName>) -> Decision<'t> {
    let Some(port) = table.listeners.get(&listener) else {
        return Decision::Unknown;
    };
    match key.and_then(|key| port.spaces.get(key)) {
        Some(copy) => Decision::Copy(port, copy),
        None => Decision::Baseline(port),
    }
}

// === impl RouteTable ===

impl RouteTable {
    /// Keeps what a new table must not forget of the one before it.
    ///
    /// A listener that is gone stays, retired, with its last baseline endpoints, since connections may still be
    /// open on it while its Service is restored. A service none of whose slices is there (its shadow is not made
    /// yet, or gone already) keeps its last endpoints.
    pub fn carry_over(&mut self, previous: &Self) {
        for (listener, before) in &previous.listeners {
            match self.listeners.get_mut(listener) {
                Some(now) if now.service == before.service && now.baseline.is_none() => {
                    now.baseline.clone_from(&before.baseline);
                }
                Some(_) => {}
                None => {
                    let retired = PortRoute {
                        retired: true,
                        spaces: HashMap::new(),
                        ..before.clone()
                    };
                    self.listeners.insert(*listener, retired);
                }
            }
        }
    }

    /// The highest listener that is in use.
    #[must_use]
    pub fn last_listener(&self) -> Option<u16> {
        self.listeners.keys().next_back().copied()
    }

    /// Whether requests of `space` for `service` go to the space's own copy at `address`, on every port that the
    /// copy serves.
    #[must_use]
    pub fn sends_to(&self, space: &SpaceName, service: &ServiceName, address: IpAddr) -> bool {
        let mut routes = self.copies(space, service).peekable();
        routes.peek().is_some() && routes.all(|copy| copy.endpoints.iter().any(|to| to.ip() == address))
    }

    /// Whether `space` has a copy of `service` of its own that takes requests or holds them.
    #[must_use]
    pub fn has_copy(&self, space: &SpaceName, service: &ServiceName) -> bool {
        self.copies(space, service).next().is_some()
    }

    fn copies(&self, space: &SpaceName, service: &ServiceName) -> impl Iterator<Item = &CopyRoute> {
        let ports = self
            .listeners
            .values()
            .filter(move |port| port.service == *service);
        ports
            .filter_map(move |port| port.spaces.get(space))
            .filter(move |copy| copy.space == *space)
    }
}

#[cfg(test)]
mod tests;
