use super::*;
use devspace_api::baseline::Intercept;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};

mod refusals;

const NOW: &str = "2026-11-22T10:00:00Z";

fn service(spec: &Value) -> Service {
    serde_json::from_value(json!({
        "metadata": {"name": "package", "namespace": "shop", "uid": "u-1", "resourceVersion": "7"},
        "spec": spec,
    }))
    .unwrap()
}

fn two_ports() -> Service {
    service(&json!({
        "clusterIP": "10.96.0.9",
        "selector": {"app": "package", "tier": "web"},
        "ports": [
            {"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP", "nodePort": 30080, "appProtocol": "http"},
            {"name": "second", "port": 81, "targetPort": 8081, "protocol": "TCP"},
        ],
    }))
}

/// What the API server makes of a merge patch.
fn patched(service: &Service, patch: &Value) -> Service {
    fn merge(target: &mut Value, patch: &Value) {
        let Some(fields) = patch.as_object() else {
            *target = patch.clone();
            return;
        };
        if !target.is_object() {
            *target = json!({});
        }
        for (key, value) in fields {
            if value.is_null() {
                target.as_object_mut().unwrap().remove(key);
            } else {
                merge(&mut target[key.as_str()], value);
            }
        }
    }
    let mut value = serde_json::to_value(service).unwrap();
    merge(&mut value, patch);
    serde_json::from_value(value).unwrap()
}

/// Everything around a Service, at its best.
struct World {
    wanted: bool,
    refusal: Option<Refusal>,
    shadow: Option<Service>,
    same: bool,
    routers: Routers,
    contender: Option<String>,
    now: &'static str,
}

impl World {
    fn new() -> Self {
        let labels = ["app", "tier"].map(|key| (key.to_owned(), ROUTER_SELECTOR_VALUE.to_owned()));
        let routers = Routers {
            ready: vec![labels.into()],
            ..Routers::default()
        };
        Self {
            wanted: true,
            refusal: None,
            shadow: None,
            same: true,
            routers,
            contender: None,
            now: NOW,
        }
    }

    fn plan(&self, service: &Service) -> Step {
        plan(&Observed {
            service,
            wanted: self.wanted,
            refusal: self.refusal.as_ref(),
            shadow: self.shadow.as_ref(),
            same_endpoints: self.same,
            routers: &self.routers,
            contender: self.contender.as_deref(),
            taken: &[20_000].into(),
            asker: Asker {
                baseline: "b-1",
                now: self.now,
            },
        })
    }

    /// Makes the step and keeps the shadow, as the controller does.
    fn make(&mut self, service: &Service, step: &Step) -> Service {
        let patch = match step {
            Step::Record(r) | Step::Adopt(r) => record(service, r).unwrap(),
            Step::Flip(r) => flip(service, r),
            Step::Repair(r) | Step::Restore(r) => {
                let was = Record::of(service).unwrap().unwrap_or_else(|| r.clone());
                restore(service, &was, r).unwrap()
            }
            Step::Forget => forget(service),
            other => panic!("no patch for {other:?}"),
        };
        assert_eq!(
            patch["metadata"]["resourceVersion"], "7",
            "each patch is held to what was seen"
        );
        let after = patched(service, &patch);
        self.shadow = Record::of(&after)
            .unwrap()
            .and_then(|record| shadow(&after, &record));
        after
    }

    fn flipped(&mut self, service: &Service) -> Service {
        let step = self.plan(service);
        assert!(matches!(step, Step::Record(_)), "{step:?}");
        let recorded = self.make(service, &step);
        let step = self.plan(&recorded);
        assert!(matches!(step, Step::Flip(_)), "{step:?}");
        self.make(&recorded, &step)
    }
}

fn spec(service: &Service) -> Value {
    serde_json::to_value(&service.spec).unwrap()
}

#[test]
fn a_flip_keeps_the_keys_and_everything_else_and_a_restore_puts_it_back() {
    let (original, mut world) = (two_ports(), World::new());
    let flipped = world.flipped(&original);
    let mut expected = spec(&original);
    expected["selector"] = json!({"app": "devspace-proxy", "tier": "devspace-proxy"});
    expected["ports"][0]["targetPort"] = json!(20_001);
    expected["ports"][1]["targetPort"] = json!(20_002);
    assert_eq!(spec(&flipped), expected);
    assert_eq!(world.plan(&flipped), Step::Intercepted);

    world.wanted = false;
    let step = world.plan(&flipped);
    let restored = world.make(&flipped, &step);
    assert_eq!(spec(&restored), spec(&original));
    assert_eq!(
        world.plan(&restored),
        Step::Linger,
        "routers may still have connections"
    );
    world.now = "2026-11-22T10:00:30Z";
    let forgotten = world.make(&restored, &Step::Forget);
    assert_eq!(world.plan(&restored), Step::Forget);
    assert_eq!(
        forgotten.metadata.annotations.unwrap_or_default(),
        BTreeMap::new()
    );
}

#[test]
fn listeners_are_free_ones_and_no_port_that_the_service_targets() {
    let service = service(
        &json!({"clusterIP": "10.96.0.9", "selector": {"app": "a"}, "ports": [
            {"port": 80, "targetPort": 20_001}, {"port": 81, "targetPort": 1}
        ]}),
    );
    let Step::Record(record) = World::new().plan(&service) else {
        panic!()
    };
    let listeners: Vec<u16> = record.ports.iter().map(|port| port.listener).collect();
    assert_eq!(listeners, [20_002, 20_003], "20000 is taken, 20001 is a target");
}

#[test]
fn a_flip_waits_for_routers_and_for_the_shadow() {
    let mut world = World::new();
    let record_step = world.plan(&two_ports());
    let recorded = world.make(&two_ports(), &record_step);
    world.same = false;
    assert_eq!(world.plan(&recorded), Step::Wait(Waiting::Shadow));
    world.same = true;
    let shadow = world.shadow.take();
    assert_eq!(
        world.plan(&recorded),
        Step::Wait(Waiting::Shadow),
        "no shadow at all"
    );
    world.shadow = shadow;
    world.routers.ready[0].remove("tier");
    assert_eq!(
        world.plan(&recorded),
        Step::Wait(Waiting::Routers),
        "a router without a key"
    );
    world.routers.ready.clear();
    assert_eq!(world.plan(&recorded), Step::Wait(Waiting::Routers), "no router");
}

#[test]
fn a_whole_apply_is_taken_over_and_flipped_again() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    // An apply with the manifest as it was.
    let plain = patched(&flipped, &json!({"spec": spec(&two_ports())}));
    assert!(matches!(world.plan(&plain), Step::Flip(_)));
    // An apply that drops a key and a port and adds another port.
    let mut changed = plain.clone();
    changed.spec.as_mut().unwrap().selector = Some([("app".to_owned(), "package".to_owned())].into());
    let ports = json!([{"name": "http", "port": 80, "targetPort": "web"}, {"name": "more", "port": 90, "targetPort": 9000}]);
    changed.spec.as_mut().unwrap().ports = serde_json::from_value(ports).unwrap();
    let step = world.plan(&changed);
    let Step::Adopt(adopted) = &step else {
        panic!("{step:?}")
    };
    assert_eq!(
        adopted.selector,
        [("app".to_owned(), "package".to_owned())].into()
    );
    assert_eq!(
        adopted.ports[0].listener, 20_001,
        "a port that stays keeps its listener"
    );
    assert_eq!(adopted.ports[1].port, 90);
    let adopted = world.make(&changed, &step);
    let step = world.plan(&adopted);
    let again = world.make(&adopted, &step);
    assert_eq!(
        again.spec.unwrap().selector.unwrap(),
        [("app".to_owned(), "devspace-proxy".to_owned())].into()
    );
}

#[test]
fn a_mix_goes_plain_at_once_with_the_owners_value_as_the_new_original() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    // Blue/green: one key.
    let mixed = patched(&flipped, &json!({"spec": {"selector": {"tier": "green"}}}));
    world.routers.ready.clear();
    let step = world.plan(&mixed);
    assert!(
        matches!(step, Step::Repair(_)),
        "no router is needed to repair: {step:?}"
    );
    let repaired = world.make(&mixed, &step);
    let mut expected = spec(&two_ports());
    expected["selector"]["tier"] = json!("green");
    assert_eq!(spec(&repaired), expected);
    assert_eq!(world.plan(&repaired), Step::Wait(Waiting::Routers));
}

#[test]
fn mixes_of_every_kind_become_plain() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    let plain = spec(&two_ports());
    let only_selector = patched(&flipped, &json!({"spec": {"selector": plain["selector"]}}));
    let only_ports = patched(&flipped, &json!({"spec": {"ports": plain["ports"]}}));
    for mixed in [only_selector, only_ports] {
        let step = world.plan(&mixed);
        assert!(matches!(step, Step::Repair(_)), "{step:?}");
        assert_eq!(spec(&world.make(&mixed, &step)), plain);
    }
    // A key taken off, and a key added.
    let fewer = patched(&flipped, &json!({"spec": {"selector": {"tier": null}}}));
    let step = world.plan(&fewer);
    let fewer = world.make(&fewer, &step);
    assert_eq!(
        fewer.spec.unwrap().selector.unwrap(),
        [("app".to_owned(), "package".to_owned())].into()
    );
    let more = patched(&flipped, &json!({"spec": {"selector": {"zone": "a"}}}));
    let step = world.plan(&more);
    assert_eq!(world.make(&more, &step).spec.unwrap().selector.unwrap().len(), 3);
    // A key with our value that was never there before has no original.
    let ours = patched(
        &flipped,
        &json!({"spec": {"selector": {"zone": "devspace-proxy"}}}),
    );
    let step = world.plan(&ours);
    assert_eq!(spec(&world.make(&ours, &step)), plain);
}

#[test]
fn a_wiped_record_starts_anew_and_a_wiped_record_of_a_flipped_service_comes_from_the_shadow() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    // `helm upgrade --force` replaces the whole object.
    assert!(matches!(world.plan(&two_ports()), Step::Record(_)));
    let wiped = patched(&flipped, &forget(&flipped));
    let step = world.plan(&wiped);
    let Step::Record(record) = &step else {
        panic!("{step:?}")
    };
    assert_eq!(
        Some(record),
        Record::of(&flipped)
            .unwrap()
            .map(|r| Record {
                since: NOW.into(),
                ..r
            })
            .as_ref()
    );
    world.shadow = None;
    assert_eq!(world.plan(&wiped), Step::Refuse(Refusal::Lost));
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_recovered_where_it_can_be() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    let broken = patched(
        &flipped,
        &json!({"metadata": {"annotations": {"devspace.dev/interception": "{"}}}),
    );
    assert!(matches!(world.plan(&broken), Step::Record(_)));
    let plain = patched(
        &two_ports(),
        &json!({"metadata": {"annotations": {"devspace.dev/interception": "{"}}}),
    );
    assert!(matches!(world.plan(&plain), Step::Refuse(Refusal::Record(_))));
}

#[test]
fn a_flipped_service_goes_back_when_it_is_refused_contended_or_without_routers() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    world.routers.lost = true;
    let Step::Restore(kept) = world.plan(&flipped) else {
        panic!()
    };
    assert_eq!(kept.restored, None, "it is still wanted");
    let step = Step::Restore(kept);
    let restored = world.make(&flipped, &step);
    assert_eq!(world.plan(&restored), Step::Wait(Waiting::Routers));
    world.routers.lost = false;
    assert!(
        matches!(world.plan(&restored), Step::Flip(_)),
        "and comes back with the routers"
    );

    world.contender = Some("argocd-controller".into());
    assert!(matches!(world.plan(&flipped), Step::Restore(_)));
    assert_eq!(
        world.plan(&restored),
        Step::Contended {
            manager: "argocd-controller".into()
        }
    );
    world.contender = None;

    world.refusal = Some(Refusal::NotReadyAddresses);
    let Step::Restore(gone) = world.plan(&flipped) else {
        panic!()
    };
    assert_eq!(gone.restored.as_deref(), Some(NOW));
}

#[test]
fn with_a_baseline_that_ends_the_records_stay_until_the_routers_are_gone() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    world.wanted = false;
    world.routers.leaving = true;
    let step = world.plan(&flipped);
    let restored = world.make(&flipped, &step);
    world.now = "2026-11-22T11:00:00Z";
    assert_eq!(world.plan(&restored), Step::Linger);
    world.routers.gone = true;
    assert_eq!(world.plan(&restored), Step::Forget);
}

#[test]
fn fields_that_are_still_ours_are_given_back_first() {
    let mut world = World::new();
    let mut flipped = world.flipped(&two_ports());
    let fields = json!({"manager": "devspace-controller", "operation": "Update", "apiVersion": "v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:selector": {}}}});
    flipped.metadata.managed_fields = Some(vec![serde_json::from_value(fields).unwrap()]);
    assert_eq!(world.plan(&flipped), Step::HandBack);
}

#[test]
fn our_own_services_are_never_wanted() {
    let all = Intercept {
        all: true,
        ..Intercept::default()
    };
    let mut world = World::new();
    let record_step = world.plan(&two_ports());
    world.make(&two_ports(), &record_step);
    let shadow = world.shadow.clone().unwrap();
    assert!(!is_wanted(&all, &shadow));
    assert_eq!(world.plan(&shadow), Step::Nothing);
    assert!(!is_wanted(&all, &crate::router::gateway("shop")));
}

#[test]
fn the_shadow_keeps_the_original_and_is_known_by_its_service() {
    let mut world = World::new();
    let record_step = world.plan(&two_ports());
    let recorded = world.make(&two_ports(), &record_step);
    let live = world.shadow.clone().unwrap();
    assert_eq!(
        live.metadata.name.as_deref(),
        Some(shadow_name("package").as_str())
    );
    assert!(shadow_name(&"a".repeat(63)).len() <= 63);
    assert_eq!(originals_of_shadow(&live), originals(&two_ports(), None));
    let mut changed = Record::of(&recorded).unwrap().unwrap();
    assert!(shadow_is_current(&live, &shadow(&recorded, &changed).unwrap()));
    changed.selector.remove("tier");
    assert!(!shadow_is_current(&live, &shadow(&recorded, &changed).unwrap()));
    let mut again = recorded.clone();
    again.metadata.uid = Some("u-2".into());
    let record = Record::of(&again).unwrap().unwrap();
    assert!(
        !shadow_is_current(&live, &shadow(&again, &record).unwrap()),
        "the Service was made anew"
    );
}

fn slice(addresses: &[&str], ready: bool) -> EndpointSlice {
    serde_json::from_value(json!({
        "addressType": "IPv4",
        "endpoints": [{"addresses": addresses, "conditions": {"ready": ready}}],
        "ports": [{"name": "http", "port": 8080}],
    }))
    .unwrap()
}

#[test]
fn endpoints_are_compared_however_they_are_cut() {
    let whole = [slice(&["10.0.0.1", "10.0.0.2"], true)];
    let cut = [slice(&["10.0.0.2"], true), slice(&["10.0.0.1"], true)];
    assert!(same_endpoints(&whole, &cut));
    assert!(!same_endpoints(&whole, &cut[..1]));
    assert!(!same_endpoints(
        &[slice(&["10.0.0.1"], false)],
        &[slice(&["10.0.0.1"], true)]
    ));
}

#[test]
fn a_service_that_is_deleted_is_left_alone() {
    let mut world = World::new();
    let mut flipped = world.flipped(&two_ports());
    world.wanted = false;
    flipped.metadata.deletion_timestamp = Some(serde_json::from_value(json!(NOW)).unwrap());
    assert_eq!(world.plan(&flipped), Step::Nothing);
}

#[test]
fn the_cli_can_restore_with_nothing_of_ours_alive() {
    let mut world = World::new();
    let flipped = world.flipped(&two_ports());
    assert_eq!(restoration(&two_ports()).unwrap(), None);
    let restored = restoration(&flipped).unwrap().unwrap();
    assert_eq!(
        restored.describes,
        "selector app=package,tier=web; ports 80→web, 81→8081"
    );
    let back = patched(&flipped, &restored.patch.unwrap());
    assert_eq!(spec(&back), spec(&two_ports()));
    assert_eq!(restoration(&back).unwrap().unwrap().patch, None);
}

#[test]
fn a_plan_for_enabling_names_each_service_and_its_refusal() {
    let mut headless = two_ports();
    headless.metadata.name = Some("db".into());
    headless.spec.as_mut().unwrap().cluster_ip = Some("None".into());
    let all = Intercept {
        all: true,
        ..Intercept::default()
    };
    let states = foresee(
        &all,
        &[two_ports(), headless, crate::router::gateway("shop")],
        &[],
        &[],
    );
    let told: Vec<_> = states
        .iter()
        .map(|state| (state.name.as_str(), state.reason.as_str()))
        .collect();
    assert_eq!(told, [("db", "Headless"), ("package", "")]);
}
