use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;

use super::limits::{Counted, is_over};
use super::*;

const RED: SpaceIdentity<'_> = SpaceIdentity {
    baseline: "shop",
    name: "red",
    uid: "u-1",
};

fn spec(owner: &str, shared: &[&str]) -> SpaceSpec {
    let shared_with = shared.iter().map(ToString::to_string).collect();
    SpaceSpec {
        owner: owner.into(),
        shared_with,
        ..SpaceSpec::default()
    }
}

#[test]
fn the_namespace_is_named_for_baseline_and_space() {
    assert_eq!(namespace_name("shop", "red"), "devspace-shop--red");
}

#[test]
fn an_admins_label_cannot_make_it_another_spaces() {
    let namespace_labels = BTreeMap::from([
        (
            "pod-security.kubernetes.io/enforce".to_owned(),
            "restricted".to_owned(),
        ),
        (SPACE_LABEL.to_owned(), "blue".to_owned()),
    ]);
    let made = namespace(
        &RED,
        &spec("ann", &[]),
        &SpaceLimits {
            namespace_labels,
            ..SpaceLimits::default()
        },
    );
    let labels = made.metadata.labels.as_ref().unwrap();
    assert_eq!(labels[SPACE_LABEL], "red");
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    assert!(belongs_to(&made, &RED));
    assert!(!belongs_to(&made, &SpaceIdentity { uid: "u-2", ..RED }));
    assert!(!belongs_to(&Namespace::default(), &RED));
}

#[test]
fn rights_go_to_people_and_service_accounts_and_to_no_user_of_the_system() {
    let shared = [
        "bob",
        "ann",
        "system:anonymous",
        "system:serviceaccount:ci:runner",
        "",
    ];
    let binding = role_binding(&RED, &spec("ann", &shared));
    let names: Vec<String> = binding
        .subjects
        .unwrap()
        .into_iter()
        .map(|subject| subject.name)
        .collect();
    assert_eq!(names, ["ann", "bob", "system:serviceaccount:ci:runner"]);
    assert_eq!(binding.role_ref.name, "devspace-space-owner");
}

#[test]
fn a_quota_is_there_where_the_baseline_has_one() {
    assert_eq!(resource_quota(&RED, &SpaceLimits::default()), None);
    let quota = [("pods".to_owned(), "10".to_owned())].into();
    let made = resource_quota(
        &RED,
        &SpaceLimits {
            quota,
            ..SpaceLimits::default()
        },
    )
    .unwrap();
    assert_eq!(made.spec.unwrap().hard.unwrap()["pods"].0, "10");
}

#[test]
fn the_limit_counts_from_the_oldest() {
    let space = |name: &str, second| Counted {
        created: Some(Time(Timestamp::from_second(second).unwrap())),
        name: name.to_owned(),
    };
    let all = [space("new", 9), space("old", 1), space("b", 5), space("a", 5)];
    let over = |limit| ["old", "a", "b", "new"].map(|name| is_over(name, &all, limit));
    assert_eq!(over(None), [false; 4]);
    assert_eq!(over(Some(2)), [false, false, true, true]);
    assert_eq!(over(Some(0)), [true; 4]);
}

proptest! {
    #[test]
    fn a_namespace_name_is_a_label_and_no_two_spaces_share_it(
        a in ("[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "[a-z]([a-z0-9]|-[a-z0-9]){0,30}"),
        b in ("[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "[a-z]([a-z0-9]|-[a-z0-9]){0,30}"),
    ) {
        let name = namespace_name(&a.0, &a.1);
        prop_assert!(name.len() <= 63 && !name.ends_with('-'));
        prop_assert_eq!(a == b, name == namespace_name(&b.0, &b.1));
    }
}
