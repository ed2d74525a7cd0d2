//! Views in, one table out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use super::{
    After, Backend, BackendRef, BaselineView, CopyRoute, CopySlice, CopyView, EndpointView, Gateway,
    HostRules, PathRule, PortRef, PortRoute, PortView, RouteTable, ServiceView, SliceView, StandingEntry,
};
use crate::chain::{Chain, ChainError, SpaceSet, resolve_chain};
use crate::{ServiceName, SpaceName};

/// Something of the views that the table leaves out, and why. The rest of the table stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Two ports claim a listener. The first keeps it.
    #[error("listener {listener} is claimed by `{first}` and by `{second}`")]
    ListenerTaken {
        /// The listener.
        listener: u16,
        /// The service that keeps it.
        first: ServiceName,
        /// The service that does not get it.
        second: ServiceName,
    },
    /// A space whose parents cannot be followed. It falls back to the baseline at once.
    #[error("space `{space}` has no fallback chain")]
    Chain {
        /// The space.
        space: SpaceName,
        /// Why.
        #[source]
        cause: ChainError,
    },
    /// A copy or a slice that stands outside the space's personal namespace.
    #[error("namespace `{namespace}` is not that of space `{space}`")]
    ForeignNamespace {
        /// The space that is named.
        space: SpaceName,
        /// Where the object stands.
        namespace: String,
    },
    /// An address that two spaces claim, or a space and the baseline. It counts for no space as a caller.
    #[error("address {0} belongs to more than one space or to the baseline too")]
    AddressClaimed(IpAddr),
    /// A rule of the gateway that leads nowhere.
    #[error("a rule of the gateway names service `{0}` or a port of it that does not exist")]
    NoBackend(ServiceName),
    /// A listener that stands for a space leads nowhere, or its space is not there.
    #[error("listener {0} stands for a space or leads to a port that does not exist")]
    NothingStands(u16),
}

/// One copy with what is ready of it, by port name.
struct Found<'a> {
    view: &'a CopyView,
    ready: HashMap<&'a str, Vec<SocketAddr>>,
}

type Copies<'a> = HashMap<(&'a SpaceName, &'a ServiceName), Found<'a>>;

/// Builds the table. What cannot be right is left out and reported; it never takes the rest with it.
#[must_use]
pub fn build_table(
    baseline: &BaselineView,
    spaces: &SpaceSet,
    copies: &[CopyView],
    endpoints: &EndpointView,
) -> (RouteTable, Vec<Refusal>) {
    let mut refusals = Vec::new();
    let slices = own_slices(spaces, &endpoints.copies, &mut refusals);
    let copies = own_copies(spaces, copies, &slices, &mut refusals);
    let chains = chains(baseline, spaces, &mut refusals);
    let mut listeners: BTreeMap<u16, PortRoute> = BTreeMap::new();
    for (service, port) in baseline
        .services
        .iter()
        .flat_map(|s| s.ports.iter().map(move |p| (s, p)))
    {
        if let Some(taken) = listeners.get(&port.listener) {
            refusals.push(Refusal::ListenerTaken {
                listener: port.listener,
                first: taken.service.clone(),
                second: service.name.clone(),
            });
            continue;
        }
        listeners.insert(
            port.listener,
            port_route(service, port, &chains, &copies, &endpoints.baseline),
        );
    }
    let standing = standing(baseline, spaces, &mut listeners, &mut refusals);
    let callers = callers(&slices, &endpoints.baseline, &mut refusals);
    let gateway = gateway(baseline, &listeners, &mut refusals);
    let table = RouteTable {
        carriers: baseline.carriers,
        spaces: spaces.clone(),
        listeners,
        callers,
        standing,
        gateway,
    };
    (table, refusals)
}

fn is_own(spaces: &SpaceSet, space: &SpaceName, namespace: &str) -> bool {
    spaces
        .get(space)
        .is_some_and(|view| view.namespace.as_deref() == Some(namespace))
}

/// The slices that stand in the namespace that the controller wrote into their Space's status.
fn own_slices<'a>(
    spaces: &SpaceSet,
    slices: &'a [CopySlice],
    refusals: &mut Vec<Refusal>,
) -> Vec<&'a CopySlice> {
    let (own, foreign): (Vec<_>, Vec<_>) = slices
        .iter()
        .partition(|slice| is_own(spaces, &slice.space, &slice.namespace));
    refusals.extend(
        foreign
            .into_iter()
            .map(|slice| foreign_namespace(&slice.space, &slice.namespace)),
    );
    own
}

fn foreign_namespace(space: &SpaceName, namespace: &str) -> Refusal {
    Refusal::ForeignNamespace {
        space: space.clone(),
        namespace: namespace.to_owned(),
    }
}

fn own_copies<'a>(
    spaces: &SpaceSet,
    copies: &'a [CopyView],
    slices: &[&'a CopySlice],
    refusals: &mut Vec<Refusal>,
) -> Copies<'a> {
    let mut found = Copies::new();
    for view in copies {
        if is_own(spaces, &view.space, &view.namespace) {
            found.insert(
                (&view.space, &view.service),
                Found {
                    view,
                    ready: HashMap::new(),
                },
            );
        } else {
            refusals.push(foreign_namespace(&view.space, &view.namespace));
        }
    }
    for copy in slices {
        let Some(found) = found.get_mut(&(&copy.space, &copy.slice.service)) else {
            continue;
        };
        let ready = copy.slice.endpoints.iter().filter(|endpoint| endpoint.ready);
        let known = found.ready.entry(copy.slice.port.as_str()).or_default();
        known.extend(ready.map(|endpoint| endpoint.address));
    }
    for ready in found.values_mut().flat_map(|found| found.ready.values_mut()) {
        ready.sort_unstable();
        ready.dedup();
    }
    found
}

fn chains(
    baseline: &BaselineView,
    spaces: &SpaceSet,
    refusals: &mut Vec<Refusal>,
) -> Vec<(SpaceName, Vec<SpaceName>)> {
    let resolve = |(space, _): (&SpaceName, _)| {
        let chain = match resolve_chain(spaces, space, baseline.max_chain) {
            Ok(chain) => Chain::spaces(&chain).to_vec(),
            Err(cause) => {
                refusals.push(Refusal::Chain {
                    space: space.clone(),
                    cause,
                });
                vec![space.clone()]
            }
        };
        (space.clone(), chain)
    };
    spaces.iter().map(resolve).collect()
}

fn port_route(
    service: &ServiceView,
    port: &PortView,
    chains: &[(SpaceName, Vec<SpaceName>)],
    copies: &Copies<'_>,
    slices: &[SliceView],
) -> PortRoute {
    let resolved = chains.iter().filter_map(|(space, chain)| {
        Some((
            space.clone(),
            first_copy(chain, &service.name, &port.name, copies)?,
        ))
    });
    PortRoute {
        service: service.name.clone(),
        name: port.name.clone(),
        port: port.port,
        protocol: port.protocol,
        client_affinity: service.client_affinity,
        retired: false,
        baseline: baseline_endpoints(&service.name, &port.name, slices),
        spaces: resolved.collect(),
    }
}

/// The first copy of the chain that takes requests: one with a ready endpoint, or one that had one.
fn first_copy(
    chain: &[SpaceName],
    service: &ServiceName,
    port: &str,
    copies: &Copies<'_>,
) -> Option<CopyRoute> {
    let (space, parents) = chain.split_first()?;
    let parent = || first_copy(parents, service, port, copies);
    let Some(found) = copies.get(&(space, service)) else {
        return parent();
    };
    let endpoints = found.ready.get(port).cloned().unwrap_or_default();
    if endpoints.is_empty() && !found.view.ever_ready {
        return parent();
    }
    let after = found
        .view
        .fallback_to_parent
        .then(|| Box::new(parent().map_or(After::Baseline, After::Copy)));
    Some(CopyRoute {
        space: space.clone(),
        endpoints,
        hold: found.view.hold,
        after,
    })
}

/// The ready endpoints; where there is none, those that still serve while they terminate
/// (Kubernetes documentation, "EndpointSlices", section "Conditions", and KEP-1669).
fn baseline_endpoints(service: &ServiceName, port: &str, slices: &[SliceView]) -> Option<Vec<SocketAddr>> {
    let mut seen = slices.iter().filter(|slice| slice.service == *service).peekable();
    seen.peek()?;
    let all: Vec<_> = seen
        .filter(|slice| slice.port == port)
        .flat_map(|slice| &slice.endpoints)
        .collect();
    let ready = || {
        all.iter()
            .filter(|endpoint| endpoint.ready)
            .map(|endpoint| endpoint.address)
    };
    let serving = || {
        all.iter()
            .filter(|e| e.serving && e.terminating)
            .map(|endpoint| endpoint.address)
    };
    let mut chosen: Vec<SocketAddr> = ready().collect();
    if chosen.is_empty() {
        chosen = serving().collect();
    }
    chosen.sort_unstable();
    chosen.dedup();
    Some(chosen)
}

/// Adds the listeners that stand for a pod of a space. Each answers as the service's own listener does; only who
/// calls differs.
fn standing(
    baseline: &BaselineView,
    spaces: &SpaceSet,
    listeners: &mut BTreeMap<u16, PortRoute>,
    refusals: &mut Vec<Refusal>,
) -> BTreeMap<u16, SpaceName> {
    let mut standing = BTreeMap::new();
    for stand in &baseline.standing {
        if let StandingEntry::Service { service, port } = &stand.entry {
            let original = listeners
                .values()
                .find(|route| route.service == *service && route.name == *port)
                .cloned();
            let Some(original) = original.filter(|_| spaces.get(&stand.space).is_some()) else {
                refusals.push(Refusal::NothingStands(stand.listener));
                continue;
            };
            if let Some(taken) = listeners.get(&stand.listener) {
                refusals.push(Refusal::ListenerTaken {
                    listener: stand.listener,
                    first: taken.service.clone(),
                    second: service.clone(),
                });
                continue;
            }
            listeners.insert(stand.listener, original);
        } else if spaces.get(&stand.space).is_none() {
            refusals.push(Refusal::NothingStands(stand.listener));
            continue;
        }
        standing.insert(stand.listener, stand.space.clone());
    }
    standing
}

/// Addresses of pods of copies that are not terminating, ready or not. A loopback address is no pod's own: on one
/// machine it is everybody's.
fn callers(
    slices: &[&CopySlice],
    baseline: &[SliceView],
    refusals: &mut Vec<Refusal>,
) -> HashMap<IpAddr, SpaceName> {
    let of_baseline = baseline
        .iter()
        .flat_map(|slice| &slice.endpoints)
        .map(|e| e.address.ip());
    let of_baseline: HashSet<IpAddr> = of_baseline.collect();
    let mut claims: HashMap<IpAddr, Option<&SpaceName>> = HashMap::new();
    for copy in slices {
        for endpoint in copy
            .slice
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.terminating && !endpoint.address.ip().is_loopback())
        {
            let address = endpoint.address.ip();
            let claim = claims.entry(address).or_insert(Some(&copy.space));
            if of_baseline.contains(&address) || claim.is_some_and(|space| *space != copy.space) {
                *claim = None;
            }
        }
    }
    let mut refused: Vec<IpAddr> = claims
        .iter()
        .filter(|(_, s)| s.is_none())
        .map(|(a, _)| *a)
        .collect();
    refused.sort_unstable();
    refusals.extend(refused.into_iter().map(Refusal::AddressClaimed));
    claims
        .into_iter()
        .filter_map(|(address, space)| Some((address, space?.clone())))
        .collect()
}

fn gateway(
    baseline: &BaselineView,
    listeners: &BTreeMap<u16, PortRoute>,
    refusals: &mut Vec<Refusal>,
) -> Gateway {
    let mut gateway = Gateway {
        outside_keys: baseline.outside_keys,
        ..Gateway::default()
    };
    for rule in &baseline.rules {
        let Some(backend) = backend(&rule.backend, baseline, listeners) else {
            refusals.push(Refusal::NoBackend(rule.backend.service.clone()));
            continue;
        };
        let host = rule
            .host
            .as_deref()
            .filter(|host| !host.is_empty())
            .map(str::to_ascii_lowercase);
        let Some(path) = rule.path.clone() else {
            gateway.default.get_or_insert(backend);
            continue;
        };
        let path = PathRule { path, backend };
        match gateway.rules.iter_mut().find(|rules| rules.host == host) {
            Some(rules) => rules.paths.push(path),
            None => gateway.rules.push(HostRules {
                host,
                paths: vec![path],
            }),
        }
    }
    let of_rules = || {
        gateway
            .rules
            .iter()
            .filter_map(|rules| rules.host.clone())
            .filter(|h| !h.starts_with('*'))
    };
    gateway.hosts = if baseline.hosts.is_empty() {
        of_rules().collect()
    } else {
        baseline
            .hosts
            .iter()
            .map(|host| crate::host::without_port(host))
            .collect()
    };
    gateway.sort();
    gateway
}

fn backend(
    to: &BackendRef,
    baseline: &BaselineView,
    listeners: &BTreeMap<u16, PortRoute>,
) -> Option<Backend> {
    let is_port = |name: &str, number: u16| match &to.port {
        PortRef::Number(wanted) => *wanted == number,
        PortRef::Name(wanted) => wanted == name,
    };
    let listener = listeners
        .iter()
        .find(|(_, port)| port.service == to.service && is_port(&port.name, port.port))
        .map(|(listener, _)| Backend::Listener(*listener));
    listener.or_else(|| {
        let plain = baseline.plain.iter().find(|plain| plain.name == to.service)?;
        let (_, port) = plain.ports.iter().find(|(name, port)| is_port(name, *port))?;
        let address = SocketAddr::new(plain.address, *port);
        Some(Backend::Plain {
            service: plain.name.clone(),
            address,
        })
    })
}
