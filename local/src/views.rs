//! From what is wanted and what is ready to the views that a route table is built from. Pure.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU8;
use std::time::Duration;

use devspace_api::copy::Fallback;
use devspace_api::{ServiceCopy, Space};
use devspace_core::chain::{DEFAULT_DEPTH, SpaceSet, SpaceView};
use devspace_core::key::CarrierPolicy;
use devspace_core::table::{
    BackendRef, BaselineView, CopySlice, CopyView, EndpointState, EndpointView, EntryRule, PathMatch,
    PortRef, PortView, Protocol, RouteTable, ServiceView, SliceView, Standing, build_table,
};
use devspace_core::{ServiceName, SpaceName};
use devspace_plan::space::namespace_name;
use k8s_openapi::jiff::SignedDuration;

use crate::plan::UnitKey;
use crate::protocol::{Workspace, WorkspaceService};

/// How long requests wait for a copy that restarts, where it says nothing: as in a cluster.
const HOLD: Duration = Duration::from_secs(30);

/// The longest chain of spaces, as where a Baseline says nothing.
pub(crate) const MAX_CHAIN: NonZeroU8 = NonZeroU8::MIN.saturating_add(DEFAULT_DEPTH);

/// What a table is made of.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) spaces: &'a [Space],
    /// Copies that are not refused, with their spaces.
    pub(crate) copies: &'a [(String, ServiceCopy)],
    /// The baseline's listener of each service and declared port.
    pub(crate) listeners: &'a BTreeMap<(String, u16), u16>,
    pub(crate) standing: Vec<Standing>,
    /// What takes requests: declared to picked ports.
    pub(crate) ready: &'a BTreeMap<UnitKey, BTreeMap<u16, u16>>,
}

/// The host that the gateway answers to.
pub(crate) fn host(workspace: &Workspace) -> String {
    workspace
        .host
        .as_deref()
        .unwrap_or("localhost")
        .to_ascii_lowercase()
}

/// The table. What cannot be right is left out and logged.
pub(crate) fn table(scene: &Scene<'_>) -> RouteTable {
    let (table, refusals) = build_table(
        &baseline(scene),
        &space_set(scene),
        &copies(scene),
        &endpoints(scene),
    );
    for refusal in refusals {
        tracing::warn!(%refusal, workspace = scene.workspace.name, "the route table leaves something out");
    }
    table
}

/// The spaces of a workspace with their parents and namespaces.
pub(crate) fn set_of(workspace: &str, spaces: &[Space]) -> SpaceSet {
    let view = |space: &Space| {
        let name = space.metadata.name.as_deref()?;
        let parent = space.spec.parent.as_deref();
        let view = SpaceView {
            parent: parent.and_then(|parent| SpaceName::try_new(parent).ok()),
            namespace: Some(namespace_name(workspace, name)),
        };
        Some((SpaceName::try_new(name).ok()?, view))
    };
    spaces.iter().filter_map(view).collect()
}

fn space_set(scene: &Scene<'_>) -> SpaceSet {
    set_of(&scene.workspace.name, scene.spaces)
}

fn baseline(scene: &Scene<'_>) -> BaselineView {
    let services = scene.workspace.services.iter();
    BaselineView {
        carriers: CarrierPolicy::default(),
        // Whoever reaches this machine's loopback is the developer.
        outside_keys: true,
        hosts: vec![host(scene.workspace)],
        max_chain: MAX_CHAIN,
        services: services
            .filter_map(|service| service_view(scene, service))
            .collect(),
        plain: Vec::new(),
        rules: rules(scene.workspace),
        standing: scene.standing.clone(),
    }
}

fn service_view(scene: &Scene<'_>, service: &WorkspaceService) -> Option<ServiceView> {
    let port = |declared: &u16| {
        Some(PortView {
            name: declared.to_string(),
            port: *declared,
            listener: *scene.listeners.get(&(service.name.clone(), *declared))?,
            protocol: Protocol::declared(None, "", *declared),
        })
    };
    Some(ServiceView {
        name: ServiceName::try_new(&service.name).ok()?,
        ports: service.ports.iter().filter_map(port).collect(),
        client_affinity: false,
    })
}

fn rules(workspace: &Workspace) -> Vec<EntryRule> {
    let rule = |prefix: &str, service: &WorkspaceService| {
        Some(EntryRule {
            host: None,
            path: Some(PathMatch::Prefix(prefix.to_owned())),
            backend: BackendRef {
                service: ServiceName::try_new(&service.name).ok()?,
                port: PortRef::Number(*service.ports.first()?),
            },
        })
    };
    if workspace.routes.is_empty() {
        let first = workspace.services.first();
        return first.and_then(|first| rule("/", first)).into_iter().collect();
    }
    let named = workspace.routes.iter().filter_map(|(prefix, name)| {
        let service = workspace.services.iter().find(|service| service.name == *name)?;
        rule(prefix, service)
    });
    named.collect()
}

fn copies(scene: &Scene<'_>) -> Vec<CopyView> {
    let view = |(space, copy): &(String, ServiceCopy)| {
        Some(CopyView {
            space: SpaceName::try_new(space).ok()?,
            namespace: copy.metadata.namespace.clone()?,
            service: ServiceName::try_new(&copy.spec.service).ok()?,
            hold: copy.spec.hold.as_deref().and_then(duration).unwrap_or(HOLD),
            fallback_to_parent: copy.spec.fallback == Fallback::Parent,
            ever_ready: copy.status.as_ref().is_some_and(|status| status.ever_ready),
        })
    };
    scene.copies.iter().filter_map(view).collect()
}

/// `30s`, `2m`, `1h30m`.
fn duration(text: &str) -> Option<Duration> {
    text.parse::<SignedDuration>().ok()?.try_into().ok()
}

fn endpoints(scene: &Scene<'_>) -> EndpointView {
    let of = |space: Option<&str>, name: &str| {
        let service = scene
            .workspace
            .services
            .iter()
            .find(|service| service.name == *name);
        let ports = service
            .map(|service| service.ports.as_slice())
            .unwrap_or_default();
        let key = UnitKey {
            space: space.map(str::to_owned),
            service: name.to_owned(),
        };
        let ready = scene.ready.get(&key);
        let slice = move |declared: &u16| {
            let picked = ready.and_then(|ready| ready.get(declared)).copied();
            Some(SliceView {
                service: ServiceName::try_new(name).ok()?,
                port: declared.to_string(),
                endpoints: picked.into_iter().map(endpoint).collect(),
            })
        };
        ports.iter().filter_map(slice).collect::<Vec<_>>()
    };
    let services = scene.workspace.services.iter();
    let copies = scene.copies.iter().flat_map(|(space, copy)| {
        let slice = |slice| {
            Some(CopySlice {
                space: SpaceName::try_new(space).ok()?,
                namespace: copy.metadata.namespace.clone()?,
                slice,
            })
        };
        of(Some(space), &copy.spec.service)
            .into_iter()
            .filter_map(slice)
            .collect::<Vec<_>>()
    });
    EndpointView {
        baseline: services.flat_map(|service| of(None, &service.name)).collect(),
        copies: copies.collect(),
    }
}

fn endpoint(port: u16) -> EndpointState {
    EndpointState {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        ready: true,
        serving: true,
        terminating: false,
    }
}

#[cfg(test)]
mod tests {
    use devspace_core::table::{Backend, Decision, StandingEntry, route};

    use super::*;
    use crate::plan::tests::workspace;

    fn object(space: &str, service: &str) -> (String, ServiceCopy) {
        let mut copy = ServiceCopy::default();
        copy.metadata.namespace = Some(namespace_name("shop", space));
        copy.spec.service = service.to_owned();
        (space.to_owned(), copy)
    }

    fn key(space: Option<&str>, service: &str) -> UnitKey {
        UnitKey {
            space: space.map(str::to_owned),
            service: service.to_owned(),
        }
    }

    #[test]
    fn a_ready_copy_answers_its_space_and_a_listener_stands_for_it() {
        let mut shop = workspace(&["package", "web"]);
        shop.routes = BTreeMap::from([
            ("/api".to_owned(), "package".to_owned()),
            ("/".to_owned(), "web".to_owned()),
        ]);
        let red = SpaceName::try_new("red").unwrap();
        let mut space = Space::default();
        space.metadata.name = Some("red".to_owned());
        let standing = |listener, entry| Standing {
            listener,
            space: red.clone(),
            entry,
        };
        let package = StandingEntry::Service {
            service: ServiceName::try_new("package").unwrap(),
            port: "8080".to_owned(),
        };
        let ready = BTreeMap::from([
            (key(None, "package"), BTreeMap::from([(8080, 1001)])),
            (key(Some("red"), "package"), BTreeMap::from([(8080, 1002)])),
        ]);
        let table = table(&Scene {
            workspace: &shop,
            spaces: &[space],
            copies: &[object("red", "package"), object("red", "web")],
            listeners: &BTreeMap::from([(("package".to_owned(), 8080), 1), (("web".to_owned(), 8080), 2)]),
            standing: vec![standing(3, package), standing(4, StandingEntry::Gateway)],
            ready: &ready,
        });
        let to = |listener, key: Option<&SpaceName>| match route(&table, listener, key) {
            Decision::Copy(_, copy) => copy.endpoints.clone(),
            Decision::Baseline(port) => port.baseline.clone().unwrap(),
            Decision::Unknown => panic!("no listener {listener}"),
        };
        let address = |port: u16| vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
        assert_eq!(to(1, None), address(1001));
        assert_eq!(to(1, Some(&red)), address(1002));
        assert_eq!(to(3, Some(&red)), address(1002));
        assert_eq!(
            to(2, Some(&red)),
            [],
            "a copy that was never ready does not answer"
        );
        assert_eq!(table.standing.len(), 2);
        assert!(table.callers.is_empty());
        assert_eq!(
            table.gateway.backend("localhost", "/api/x"),
            Some(&Backend::Listener(1))
        );
        assert_eq!(
            table.gateway.backend("localhost", "/x"),
            Some(&Backend::Listener(2))
        );
    }
}
