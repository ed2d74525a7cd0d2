use std::num::NonZeroU8;

use proptest::prelude::*;

use super::*;
use crate::chain::SpaceView;

fn space(text: &str) -> SpaceName {
    SpaceName::try_new(text).unwrap()
}

fn service(text: &str) -> ServiceName {
    ServiceName::try_new(text).unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn spaces(list: &[(&str, Option<&str>)]) -> SpaceSet {
    let view = |name: &str, parent: Option<&str>| SpaceView {
        parent: parent.map(space),
        namespace: Some(format!("ns-{name}")),
    };
    list.iter()
        .map(|(name, parent)| (space(name), view(name, *parent)))
        .collect()
}

fn baseline() -> BaselineView {
    let port = |name: &str, port, listener| PortView {
        name: name.into(),
        port,
        listener,
        protocol: Protocol::Http,
    };
    BaselineView {
        carriers: CarrierPolicy::default(),
        outside_keys: false,
        hosts: vec![],
        max_chain: NonZeroU8::new(5).unwrap(),
        services: vec![
            ServiceView {
                name: service("package"),
                ports: vec![port("http", 80, 20_000)],
                client_affinity: false,
            },
            ServiceView {
                name: service("web"),
                ports: vec![port("", 80, 20_001)],
                client_affinity: false,
            },
        ],
        plain: vec![PlainService {
            name: service("static"),
            address: "10.96.0.9".parse().unwrap(),
            ports: vec![("http".into(), 8080)],
        }],
        rules: vec![],
        standing: vec![],
    }
}

fn state(to: &str, ready: bool, serving: bool, terminating: bool) -> EndpointState {
    EndpointState {
        address: address(to),
        ready,
        serving,
        terminating,
    }
}

fn slice(of: &str, port: &str, endpoints: &[EndpointState]) -> SliceView {
    SliceView {
        service: service(of),
        port: port.into(),
        endpoints: endpoints.to_vec(),
    }
}

fn copy_slice(of: &str, endpoints: &[EndpointState]) -> CopySlice {
    CopySlice {
        space: space(of),
        namespace: format!("ns-{of}"),
        slice: slice("package", "http", endpoints),
    }
}

fn copy(of: &str, ever_ready: bool) -> CopyView {
    CopyView {
        space: space(of),
        namespace: format!("ns-{of}"),
        service: service("package"),
        hold: Duration::from_secs(30),
        fallback_to_parent: false,
        ever_ready,
    }
}

const READY: (bool, bool, bool) = (true, true, false);

fn ready(to: &str) -> EndpointState {
    state(to, READY.0, READY.1, READY.2)
}

fn owner<'t>(table: &'t RouteTable, listener: u16, key: &str) -> Option<&'t CopyRoute> {
    match route(table, listener, Some(&space(key))) {
        Decision::Copy(_, copy) => Some(copy),
        Decision::Baseline(_) | Decision::Unknown => None,
    }
}

#[test]
fn the_nearest_copy_of_the_chain_answers() {
    let spaces = spaces(&[("red", Some("team")), ("team", None), ("blue", None)]);
    let endpoints = EndpointView {
        baseline: vec![slice("package", "http", &[ready("10.0.0.1:8080")])],
        copies: vec![copy_slice("team", &[ready("10.0.1.1:8080")])],
    };
    let (table, refusals) = build_table(
        &baseline(),
        &spaces,
        &[copy("team", true), copy("red", false)],
        &endpoints,
    );
    assert_eq!(refusals, []);
    // A copy that was never ready leaves the parent's decision in place.
    assert_eq!(owner(&table, 20_000, "red").unwrap().space, space("team"));
    assert!(owner(&table, 20_000, "blue").is_none());
    assert!(owner(&table, 20_001, "red").is_none());
    assert!(owner(&table, 20_000, "unknown").is_none());
    assert_eq!(route(&table, 29_999, None), Decision::Unknown);
    assert!(table.sends_to(&space("team"), &service("package"), "10.0.1.1".parse().unwrap()));
    assert!(!table.sends_to(&space("red"), &service("package"), "10.0.1.1".parse().unwrap()));
}

#[test]
fn a_copy_that_was_ready_is_waited_for() {
    let spaces = spaces(&[("red", Some("team")), ("team", None)]);
    let mut red = copy("red", true);
    let endpoints = EndpointView {
        baseline: vec![],
        copies: vec![
            copy_slice("red", &[state("10.0.2.1:1", false, false, false)]),
            copy_slice("team", &[ready("10.0.1.1:1")]),
        ],
    };
    let (table, _) = build_table(
        &baseline(),
        &spaces,
        &[red.clone(), copy("team", true)],
        &endpoints,
    );
    let held = owner(&table, 20_000, "red").unwrap();
    assert!(held.endpoints.is_empty() && held.after.is_none());
    red.fallback_to_parent = true;
    let (table, _) = build_table(&baseline(), &spaces, &[red, copy("team", true)], &endpoints);
    let after = owner(&table, 20_000, "red").unwrap().after.as_deref();
    assert!(
        matches!(after, Some(After::Copy(parent)) if parent.space == space("team")),
        "{after:?}"
    );
}

#[test]
fn what_stands_in_a_foreign_namespace_does_not_count() {
    let spaces = spaces(&[("red", None)]);
    let mut foreign = copy_slice("red", &[ready("10.0.2.1:1")]);
    foreign.namespace = "elsewhere".into();
    let endpoints = EndpointView {
        baseline: vec![],
        copies: vec![foreign],
    };
    let (table, refusals) = build_table(&baseline(), &spaces, &[copy("red", true)], &endpoints);
    assert!(owner(&table, 20_000, "red").unwrap().endpoints.is_empty());
    assert!(table.callers.is_empty());
    assert!(matches!(refusals[..], [Refusal::ForeignNamespace { .. }]));
}

#[test]
fn a_caller_is_known_before_it_is_ready_and_only_if_nobody_else_claims_it() {
    let spaces = spaces(&[("red", None), ("blue", None)]);
    let endpoints = EndpointView {
        baseline: vec![slice("package", "http", &[ready("10.0.0.3:1")])],
        copies: vec![
            copy_slice(
                "red",
                &[
                    state("10.0.0.1:1", false, false, false),
                    ready("10.0.0.2:1"),
                    ready("10.0.0.3:1"),
                    state("10.0.0.4:1", false, true, true),
                ],
            ),
            copy_slice("blue", &[ready("10.0.0.2:1")]),
        ],
    };
    let (table, refusals) = build_table(&baseline(), &spaces, &[], &endpoints);
    assert_eq!(
        table.callers,
        HashMap::from([("10.0.0.1".parse().unwrap(), space("red"))])
    );
    assert_eq!(refusals.len(), 2);
}

#[test]
fn the_last_serving_endpoint_stays_while_it_terminates() {
    let leaving = state("10.0.0.1:1", false, true, true);
    let of = |endpoints: &[EndpointState]| {
        let view = EndpointView {
            baseline: vec![slice("package", "http", endpoints)],
            copies: vec![],
        };
        build_table(&baseline(), &SpaceSet::default(), &[], &view)
            .0
            .listeners[&20_000]
            .baseline
            .clone()
    };
    assert_eq!(
        of(&[leaving, ready("10.0.0.2:1")]).unwrap(),
        [address("10.0.0.2:1")]
    );
    assert_eq!(of(&[leaving]).unwrap(), [address("10.0.0.1:1")]);
    assert_eq!(of(&[]).unwrap(), []);
}

#[test]
fn a_new_table_remembers_what_open_connections_need() {
    let view = EndpointView {
        baseline: vec![slice("package", "http", &[ready("10.0.0.1:1")])],
        copies: vec![],
    };
    let (old, _) = build_table(&baseline(), &SpaceSet::default(), &[], &view);
    let mut without_web = baseline();
    without_web.services.pop();
    let (mut new, _) = build_table(&without_web, &SpaceSet::default(), &[], &EndpointView::default());
    new.carry_over(&old);
    assert_eq!(
        new.listeners[&20_000].baseline.as_deref().unwrap(),
        [address("10.0.0.1:1")]
    );
    assert!(new.listeners[&20_001].retired && !new.listeners[&20_000].retired);
}

#[test]
fn the_gateway_knows_intercepted_and_plain_services() {
    let mut view = baseline();
    let rule = |path: &str, name: &str, port| EntryRule {
        host: Some("Shop.test".into()),
        path: Some(PathMatch::Prefix(path.into())),
        backend: BackendRef {
            service: service(name),
            port,
        },
    };
    view.rules = vec![
        rule("/", "package", PortRef::Name("http".into())),
        rule("/s", "static", PortRef::Number(8080)),
        rule("/gone", "gone", PortRef::Number(80)),
    ];
    let (table, refusals) = build_table(&view, &SpaceSet::default(), &[], &EndpointView::default());
    assert_eq!(table.gateway.hosts, ["shop.test"]);
    assert_eq!(
        table.gateway.backend("shop.test", "/"),
        Some(&Backend::Listener(20_000))
    );
    assert!(matches!(
        table.gateway.backend("shop.test", "/s/x"),
        Some(Backend::Plain { .. })
    ));
    assert_eq!(refusals, [Refusal::NoBackend(service("gone"))]);
}

#[test]
fn two_ports_cannot_have_one_listener() {
    let mut view = baseline();
    view.services[1].ports[0].listener = 20_000;
    let (table, refusals) = build_table(&view, &SpaceSet::default(), &[], &EndpointView::default());
    assert_eq!(table.listeners[&20_000].service, service("package"));
    assert!(matches!(refusals[..], [Refusal::ListenerTaken { .. }]));
}

#[test]
fn declared_protocols_decide() {
    let of = |app: Option<&str>, name: &str, port| Protocol::declared(app, name, port);
    assert_eq!(of(Some("kubernetes.io/h2c"), "http", 80), Protocol::Http2);
    assert_eq!(of(Some("kubernetes.io/ws"), "", 80), Protocol::Http);
    assert_eq!(of(Some("mysql"), "http", 80), Protocol::Opaque);
    assert_eq!(of(None, "grpc-api", 80), Protocol::Http2);
    assert_eq!(of(None, "http-web", 80), Protocol::Http);
    assert_eq!(of(None, "tcp-x", 80), Protocol::Opaque);
    assert_eq!(of(None, "", 5432), Protocol::Opaque);
    assert_eq!(of(None, "api", 80), Protocol::Detect);
}

/// A space: its parent's number, and its copy's "ever ready", "ready" and "falls back to the parent".
type AnySpace = (Option<usize>, Option<(bool, bool, bool)>);

/// A world of spaces with random parents, of which some have a copy in some state.
fn world() -> impl Strategy<Value = Vec<AnySpace>> {
    let copy = prop::option::of((any::<bool>(), any::<bool>(), any::<bool>()));
    prop::collection::vec((prop::option::of(0_usize..8), copy), 1..8)
}

proptest! {
    /// Invariant 1: no key, no copy; one space's key, only copies of its own chain.
    #[test]
    fn a_request_reaches_only_the_baseline_or_its_own_chain(world in world()) {
        let name = |index: usize| space(&format!("s{index}"));
        let set: SpaceSet = world.iter().enumerate().map(|(index, (parent, _))| {
            let view = SpaceView { parent: parent.map(name), namespace: Some(format!("ns-s{index}")) };
            (name(index), view)
        }).collect();
        let mut copies = Vec::new();
        let mut endpoints = EndpointView {
            baseline: vec![slice("package", "http", &[ready("10.0.0.1:80")])],
            copies: vec![],
        };
        for (index, (_, state_of)) in world.iter().enumerate() {
            let Some((ever_ready, is_ready, fallback)) = state_of else { continue };
            copies.push(CopyView { fallback_to_parent: *fallback, ..copy(&format!("s{index}"), *ever_ready) });
            let endpoint = state(&format!("10.1.0.{index}:80"), *is_ready, *is_ready, false);
            endpoints.copies.push(copy_slice(&format!("s{index}"), &[endpoint]));
        }
        let (table, _) = build_table(&baseline(), &set, &copies, &endpoints);
        prop_assert!(matches!(route(&table, 20_000, None), Decision::Baseline(_)));
        for index in 0..world.len() {
            let chain = crate::chain::resolve_chain(&set, &name(index), NonZeroU8::new(5).unwrap())
                .map_or_else(|_| vec![name(index)], |chain| chain.spaces().to_vec());
            let mut next = owner(&table, 20_000, &format!("s{index}"));
            while let Some(answer) = next {
                prop_assert!(chain.contains(&answer.space));
                let of = answer.space.as_str().trim_start_matches('s');
                let own = format!("10.1.0.{of}:80");
                prop_assert!(answer.endpoints.iter().all(|to| to.to_string() == own));
                next = match answer.after.as_deref() { Some(After::Copy(copy)) => Some(copy), _ => None };
            }
            // Precedence: the first space of the chain with a live or once live copy, and no later one.
            let takes = |space: &SpaceName| {
                let index: usize = space.as_str().trim_start_matches('s').parse().unwrap();
                world[index].1.is_some_and(|(ever, is_ready, _)| ever || is_ready)
            };
            let expected = chain.iter().find(|space| takes(space));
            prop_assert_eq!(owner(&table, 20_000, &format!("s{index}")).map(|c| &c.space), expected);
        }
        let text = serde_json::to_string(&table).unwrap();
        prop_assert_eq!(serde_json::from_str::<RouteTable>(&text).unwrap(), table);
    }
}

#[test]
fn a_listener_stands_for_a_space_and_answers_as_the_service_does() {
    let spaces = spaces(&[("red", None)]);
    let endpoints = EndpointView {
        baseline: vec![slice("package", "http", &[ready("127.0.0.1:8080")])],
        copies: vec![copy_slice("red", &[ready("127.0.0.1:8081")])],
    };
    let stand = |listener, of: &str, entry| Standing {
        listener,
        space: space(of),
        entry,
    };
    let port = |of: &str| StandingEntry::Service {
        service: service(of),
        port: "http".into(),
    };
    let mut view = baseline();
    view.standing = vec![
        stand(30_000, "red", port("package")),
        stand(30_001, "red", StandingEntry::Gateway),
        stand(30_002, "gone", port("package")),
        stand(30_003, "gone", StandingEntry::Gateway),
        stand(30_004, "red", port("nobody")),
        stand(20_001, "red", port("package")),
    ];
    let (table, refusals) = build_table(&view, &spaces, &[copy("red", true)], &endpoints);
    assert_eq!(
        table.standing,
        [(30_000, space("red")), (30_001, space("red"))].into()
    );
    assert_eq!(table.listeners[&30_000], table.listeners[&20_000]);
    assert_eq!(
        owner(&table, 30_000, "red").unwrap().endpoints,
        [address("127.0.0.1:8081")]
    );
    assert!(
        !table.listeners.contains_key(&30_001),
        "the gateway is no service"
    );
    // On one machine everybody calls from the copy's address.
    assert!(table.callers.is_empty());
    let taken = Refusal::ListenerTaken {
        listener: 20_001,
        first: service("web"),
        second: service("package"),
    };
    let nothing = [30_002, 30_003, 30_004].map(Refusal::NothingStands);
    assert_eq!(refusals, [nothing.to_vec(), vec![taken]].concat());
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(serde_json::from_str::<RouteTable>(&text).unwrap(), table);
}
