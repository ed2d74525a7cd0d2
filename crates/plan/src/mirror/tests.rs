use std::collections::BTreeMap;

use devspace_api::baseline::{SecretMirror, SecretPolicy};
use k8s_openapi::ByteString;

use super::*;
use crate::copy::fixtures::World;

fn reference(kind: ReferenceKind, name: &str, optional: bool) -> Reference {
    Reference {
        kind,
        name: name.to_owned(),
        needed_by: "variable A of container app".to_owned(),
        optional,
    }
}

fn secret(kind: &str) -> Secret {
    let labels = BTreeMap::from([("argocd.argoproj.io/instance".to_owned(), "shop".to_owned())]);
    Secret {
        metadata: ObjectMeta {
            labels: Some(labels),
            uid: Some("u".into()),
            ..ObjectMeta::default()
        },
        data: Some([("url".to_owned(), ByteString(b"postgres://".to_vec()))].into()),
        immutable: Some(true),
        type_: Some(kind.to_owned()),
        ..Secret::default()
    }
}

fn run(references: &[Reference], sources: &Sources, policy: &SecretPolicy) -> Result<Mirrors, MirrorRefusal> {
    let world = World::new();
    let context = world.context();
    plan(references, sources, policy, &World::owner(&context))
}

fn with_secret(kind: &str) -> Sources {
    Sources {
        secrets: [("db".to_owned(), secret(kind))].into(),
        ..Sources::default()
    }
}

#[test]
fn a_mirror_keeps_type_content_and_immutability_and_none_of_the_labels() {
    let references = [
        reference(ReferenceKind::Secret, "db", false),
        reference(ReferenceKind::Secret, "db", true),
    ];
    let mirrors = run(
        &references,
        &with_secret("kubernetes.io/dockerconfigjson"),
        &SecretPolicy::default(),
    )
    .unwrap();
    let [mirror] = mirrors.secrets.as_slice() else {
        panic!("one mirror")
    };
    assert_eq!(mirror.metadata.name.as_deref(), Some("package.db"));
    assert_eq!(mirror.type_.as_deref(), Some("kubernetes.io/dockerconfigjson"));
    assert_eq!(
        (mirror.immutable, mirror.data.as_ref().map(BTreeMap::len)),
        (Some(true), Some(1))
    );
    assert!(mirror.metadata.uid.is_none());
    let labels = mirror.metadata.labels.as_ref().unwrap();
    assert!(!labels.contains_key("argocd.argoproj.io/instance") && labels.contains_key("devspace.dev/copy"));
}

#[test]
fn the_hash_shows_a_change_of_content_only() {
    let hash = |source: Secret| {
        let sources = Sources {
            secrets: [("db".to_owned(), source)].into(),
            ..Sources::default()
        };
        let references = [reference(ReferenceKind::Secret, "db", false)];
        let mirrors = run(&references, &sources, &SecretPolicy::default()).unwrap();
        mirrors.secrets[0].metadata.annotations.as_ref().unwrap()[MIRROR_HASH_ANNOTATION].clone()
    };
    let mut touched = secret("Opaque");
    touched.metadata.resource_version = Some("2".into());
    assert_eq!(hash(secret("Opaque")), hash(touched));
    let mut changed = secret("Opaque");
    changed.data = None;
    assert_ne!(hash(secret("Opaque")), hash(changed));
}

#[test]
fn a_token_is_never_mirrored() {
    let references = [reference(ReferenceKind::Secret, "db", false)];
    let sources = with_secret("kubernetes.io/service-account-token");
    assert!(matches!(
        run(&references, &sources, &SecretPolicy::default()),
        Err(MirrorRefusal::Token { .. })
    ));
}

#[test]
fn the_policy_keeps_secrets_back_and_they_are_not_even_read() {
    let references = [
        reference(ReferenceKind::Secret, "db", false),
        reference(ReferenceKind::ConfigMap, "c", true),
    ];
    let none = SecretPolicy {
        mirror: SecretMirror::None,
        names: Vec::new(),
    };
    let listed = SecretPolicy {
        mirror: SecretMirror::Listed,
        names: vec!["db".into()],
    };
    assert_eq!(
        wanted(&references, &none),
        [(ReferenceKind::ConfigMap, "c".to_owned())].into()
    );
    assert_eq!(wanted(&references, &listed).len(), 2);
    let refusal = run(&references, &with_secret("Opaque"), &none).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the Baseline's policy (secrets.mirror: None) keeps Secret db back; variable A of container app needs it"
    );
    assert_eq!(
        run(&references, &with_secret("Opaque"), &listed)
            .unwrap()
            .secrets
            .len(),
        1
    );
}

#[test]
fn what_is_missing_is_named_unless_the_pod_starts_without_it() {
    let policy = SecretPolicy::default();
    let needed = [reference(ReferenceKind::ConfigMap, "settings", false)];
    let refusal = run(&needed, &Sources::default(), &policy).unwrap_err();
    assert!(
        refusal
            .to_string()
            .starts_with("ConfigMap settings does not exist in the baseline")
    );
    let optional = [reference(ReferenceKind::ConfigMap, "settings", true)];
    let mirrors = run(&optional, &Sources::default(), &policy).unwrap();
    assert_eq!((mirrors.config_maps.len(), mirrors.left_out.len()), (0, 1));
}

#[test]
fn a_long_name_is_cut_with_a_hash() {
    let (a, b) = (format!("{}a", "x".repeat(252)), format!("{}b", "x".repeat(252)));
    let names = [mirrored_name("package", &a), mirrored_name("package", &b)];
    assert!(names.iter().all(|name| name.len() <= 253));
    assert_ne!(names[0], names[1]);
}
