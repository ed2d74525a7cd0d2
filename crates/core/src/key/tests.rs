use proptest::prelude::*;

use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn space(text: &str) -> SpaceName {
    SpaceName::try_new(text).unwrap()
}

fn decide(lines: &[(&'static str, &str)]) -> Option<String> {
    let policy = CarrierPolicy::default();
    decide_key(&policy, &headers(lines), Arrival::Inside, None)
        .space()
        .map(ToString::to_string)
}

fn written(key: Option<&str>, lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = headers(lines);
    write_key(&CarrierPolicy::default(), key.map(space).as_ref(), &mut map).unwrap();
    map
}

fn all(map: &HeaderMap, name: &str) -> Vec<String> {
    map.get_all(name)
        .iter()
        .map(|v| v.to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn carriers_are_read_in_their_order() {
    let baggage = ("baggage", "devspace=blue");
    let state = [("traceparent", PARENT), ("tracestate", "x=1,devspace=green")];
    assert_eq!(
        decide(&[("devspace-route-as", "red"), baggage]).as_deref(),
        Some("red")
    );
    assert_eq!(
        decide(&[("azds-route-as", "old"), baggage]).as_deref(),
        Some("old")
    );
    assert_eq!(
        decide(&[("kubernetes-route-as", "old"), baggage]).as_deref(),
        Some("old")
    );
    assert_eq!(decide(&[baggage, state[0], state[1]]).as_deref(), Some("blue"));
    assert_eq!(decide(&state).as_deref(), Some("green"));
    assert_eq!(decide(&[]), None);
}

#[test]
fn a_repeated_header_counts_only_if_its_lines_agree() {
    assert_eq!(
        decide(&[("devspace-route-as", "red"), ("devspace-route-as", "red")]).as_deref(),
        Some("red")
    );
    assert_eq!(
        decide(&[("devspace-route-as", "red, red")]).as_deref(),
        Some("red")
    );
    assert_eq!(
        decide(&[("devspace-route-as", "red"), ("devspace-route-as", "blue")]),
        None
    );
    assert_eq!(
        decide(&[("devspace-route-as", "red,blue"), ("baggage", "devspace=x")]).as_deref(),
        Some("x")
    );
    assert_eq!(decide(&[("baggage", "devspace=red,devspace=blue")]), None);
}

#[test]
fn what_is_no_space_name_is_no_key() {
    for bad in ["Red", "a b", "a--b", "-a", "", "../x"] {
        assert_eq!(decide(&[("devspace-route-as", bad)]), None, "{bad}");
    }
}

#[test]
fn baggage_has_properties_spaces_and_percent_codes() {
    assert_eq!(
        decide(&[("baggage", "a=1, devspace = red ; p=1;q , b=2")]).as_deref(),
        Some("red")
    );
    assert_eq!(
        decide(&[("baggage", "a=1"), ("baggage", "devspace=r%65d")]).as_deref(),
        Some("red")
    );
    assert_eq!(decide(&[("baggage", "xdevspace=red")]), None);
    assert_eq!(decide(&[("baggage", "a=devspace=red")]), None);
}

#[test]
fn baggage_is_read_within_its_limits_only() {
    let far = format!("{}devspace=red", "a=1,".repeat(BAGGAGE_MEMBERS));
    assert_eq!(decide(&[("baggage", &far)]), None);
    let long = format!("a={},devspace=red", "x".repeat(BAGGAGE_BYTES));
    assert_eq!(decide(&[("baggage", &long)]), None);
}

#[test]
fn tracestate_needs_a_traceparent() {
    assert_eq!(decide(&[("tracestate", "devspace=red")]), None);
    let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
    assert_eq!(
        decide(&[("traceparent", zero), ("tracestate", "devspace=red")]),
        None
    );
    assert!(all(&written(Some("red"), &[]), "tracestate").is_empty());
    let map = written(
        Some("red"),
        &[("traceparent", PARENT), ("tracestate", "a=1,devspace=blue,b=2")],
    );
    assert_eq!(all(&map, "tracestate"), ["devspace=red,a=1,b=2"]);
    let full: String = (0..32).map(|n| format!("k{n}=1,")).collect();
    let map = written(
        Some("red"),
        &[
            ("traceparent", PARENT),
            ("tracestate", full.trim_end_matches(',')),
        ],
    );
    let line = all(&map, "tracestate").concat();
    assert!(
        line.starts_with("devspace=red,k0=1") && line.ends_with("k30=1"),
        "{line}"
    );
}

#[test]
fn writing_replaces_every_stale_key_and_leaves_the_rest() {
    let map = written(
        Some("red"),
        &[
            ("azds-route-as", "blue"),
            ("baggage", "a=1;p, devspace=blue"),
            ("baggage", "b=%20,c=3"),
        ],
    );
    assert_eq!(all(&map, "devspace-route-as"), ["red"]);
    assert_eq!(all(&map, "azds-route-as"), ["red"]);
    assert_eq!(all(&map, "baggage"), ["devspace=red,a=1;p", "b=%20,c=3"]);
}

#[test]
fn a_member_that_is_right_stays_as_it_is() {
    let map = written(Some("red"), &[("baggage", "a=1,devspace=red;p=1")]);
    assert_eq!(all(&map, "baggage"), ["a=1,devspace=red;p=1"]);
}

#[test]
fn a_dropped_key_leaves_no_carrier() {
    let map = written(
        None,
        &[
            ("devspace-route-as", "red"),
            ("kubernetes-route-as", "red"),
            ("baggage", "devspace=red"),
        ],
    );
    assert!(map.is_empty(), "{map:?}");
    let map = written(None, &[("baggage", "a=1,devspace=red,b=2")]);
    assert_eq!(all(&map, "baggage"), ["a=1,b=2"]);
}

#[test]
fn a_full_baggage_is_left_without_our_key() {
    let full = format!("devspace=blue,{}", vec!["a=1"; BAGGAGE_MEMBERS].join(","));
    let mut map = headers(&[("baggage", &full)]);
    let result = write_key(&CarrierPolicy::default(), Some(&space("red")), &mut map);
    assert_eq!(result.unwrap_err().members, BAGGAGE_MEMBERS + 1);
    assert_eq!(all(&map, "devspace-route-as"), ["red"]);
    assert!(!all(&map, "baggage").concat().contains("devspace"));
}

#[test]
fn the_entry_overwrites_and_outside_headers_do_not_count() {
    let policy = CarrierPolicy::default();
    let map = headers(&[("devspace-route-as", "red")]);
    let (blue, pod) = (space("blue"), space("pod"));
    let named = decide_key(&policy, &map, Arrival::Named(&blue), Some(&pod));
    assert_eq!(named, KeyDecision::Key(blue, Source::Entry));
    assert_eq!(
        decide_key(&policy, &map, Arrival::Outside, None),
        KeyDecision::Dropped
    );
    let by_pod = decide_key(&policy, &HeaderMap::new(), Arrival::Inside, Some(&pod));
    assert_eq!(by_pod, KeyDecision::Key(pod.clone(), Source::CallingPod));
    let no_pods = CarrierPolicy {
        calling_pod: false,
        ..policy
    };
    assert_eq!(
        decide_key(&no_pods, &HeaderMap::new(), Arrival::Inside, Some(&pod)),
        KeyDecision::None
    );
}

#[test]
fn a_disabled_carrier_is_neither_read_nor_written() {
    let policy = CarrierPolicy {
        baggage: false,
        compatible: false,
        ..CarrierPolicy::default()
    };
    let mut map = headers(&[("baggage", "devspace=red"), ("azds-route-as", "red")]);
    assert_eq!(
        decide_key(&policy, &map, Arrival::Inside, None),
        KeyDecision::None
    );
    write_key(&policy, Some(&space("blue")), &mut map).unwrap();
    assert!(map.get("baggage").is_none() && map.get("azds-route-as").is_none());
    assert_eq!(map["devspace-route-as"], "blue");
}

fn member() -> impl Strategy<Value = String> {
    // Members of others, some of which look like ours.
    "(a|devspac|devspacee|x-devspace|DEVSPACE)[0-9]{0,2}=[a-z0-9%.]{0,8}(;p(=1)?)?"
}

proptest! {
    #[test]
    fn whatever_else_baggage_holds_our_key_survives_and_so_does_the_rest(
        lines in prop::collection::vec(prop::collection::vec(member(), 1..6), 0..5),
        stale in prop::option::of("[a-z]{1,8}"),
        key in "[a-z][a-z0-9]{0,10}",
    ) {
        let mut map = HeaderMap::new();
        for line in &lines {
            map.append(BAGGAGE, HeaderValue::from_str(&line.join(",")).unwrap());
        }
        if let Some(stale) = &stale {
            map.append(BAGGAGE, HeaderValue::from_str(&format!("devspace={stale}")).unwrap());
        }
        let policy = CarrierPolicy { header: false, compatible: false, ..CarrierPolicy::default() };
        write_key(&policy, Some(&space(&key)), &mut map).unwrap();
        let decided = decide_key(&policy, &map, Arrival::Inside, None);
        prop_assert_eq!(decided, KeyDecision::Key(space(&key), Source::Baggage));
        let others: Vec<String> = list::members(&map, &BAGGAGE)
            .filter(|m| list::our_value(m).is_none()).map(ToOwned::to_owned).collect();
        prop_assert_eq!(&others, &lines.concat());
        write_key(&policy, None, &mut map).unwrap();
        prop_assert_eq!(decide_key(&policy, &map, Arrival::Inside, None), KeyDecision::None);
        let left: Vec<String> = list::members(&map, &BAGGAGE).map(ToOwned::to_owned).collect();
        prop_assert_eq!(left, lines.concat());
    }

    #[test]
    fn no_header_text_makes_reading_or_writing_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let mut map = HeaderMap::new();
        for name in [&BAGGAGE, &TRACESTATE, &HEADER] {
            map.append(name.clone(), value.clone());
        }
        map.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        let policy = CarrierPolicy::default();
        let _ = decide_key(&policy, &map, Arrival::Inside, None);
        let _ = write_key(&policy, Some(&space("red")), &mut map);
        let decided = decide_key(&policy, &map, Arrival::Inside, None);
        prop_assert_eq!(decided.space(), Some(&space("red")));
    }
}
