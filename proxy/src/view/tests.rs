use devspace_core::table::{Backend, Decision, route};
use devspace_core::{ServiceName, SpaceName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn service(record: Option<&str>) -> Service {
    let annotations = record.map(|text| json!({ "devspace.dev/interception": text }));
    object(json!({
        "metadata": { "name": "package", "annotations": annotations },
        "spec": { "clusterIP": "10.96.0.1", "ports": [{ "name": "http", "port": 80 }] },
    }))
}

const RECORD: &str = r#"{"version":1,"selector":{"app":"package"},"ports":[{"name":"http","port":80,"listener":20000}],"baseline":"u","since":"2026-11-22T00:00:00Z"}"#;

fn slice(labels: &Value, namespace: &str, address: &str, ready: bool) -> EndpointSlice {
    object(json!({
        "metadata": { "name": "s", "namespace": namespace, "labels": labels },
        "addressType": "IPv4",
        "ports": [{ "name": "http", "port": 8080 }],
        "endpoints": [{ "addresses": [address], "conditions": { "ready": ready, "serving": ready } }],
    }))
}

fn ingress() -> Ingress {
    object(json!({
        "metadata": { "name": "shop" },
        "spec": { "rules": [{ "host": "shop.test", "http": { "paths": [{
            "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": "package", "port": { "name": "http" } } },
        }] } }] },
    }))
}

#[test]
fn objects_become_a_table() {
    let (intercepted, entry) = (service(Some(RECORD)), ingress());
    let shadow = slice(
        &json!({ "devspace.dev/shadow-of": "package" }),
        "shop",
        "10.0.0.1",
        true,
    );
    let labels = json!({
        "devspace.dev/baseline": "shop", "devspace.dev/space": "red", "devspace.dev/copy": "package",
    });
    let of_copy = slice(&labels, "shop-red", "10.0.1.1", true);
    let space: Space = object(json!({
        "apiVersion": "devspace.dev/v1alpha1", "kind": "Space", "metadata": { "name": "red" },
        "spec": { "owner": "ana" }, "status": { "namespace": "shop-red" },
    }));
    let copy: ServiceCopy = object(json!({
        "apiVersion": "devspace.dev/v1alpha1", "kind": "ServiceCopy",
        "metadata": { "name": "package", "namespace": "shop-red", "labels": labels },
        "spec": { "service": "package", "hold": "7s" }, "status": { "everReady": true },
    }));
    let objects = Objects {
        services: vec![&intercepted],
        shadows: vec![&shadow],
        ingresses: vec![&entry],
        spaces: vec![&space],
        copies: vec![&copy],
        copy_slices: vec![&of_copy],
        ..Objects::default()
    };
    let (table, left_out) = table(&objects);
    assert!(left_out.is_empty(), "{left_out:?}");
    let red = SpaceName::try_new("red").unwrap();
    let Decision::Copy(port, answer) = route(&table, 20_000, Some(&red)) else {
        panic!("no copy")
    };
    assert_eq!(
        port.baseline.as_deref().unwrap(),
        ["10.0.0.1:8080".parse().unwrap()]
    );
    assert_eq!(
        (answer.endpoints[0].to_string().as_str(), answer.hold.as_secs()),
        ("10.0.1.1:8080", 7)
    );
    assert_eq!(table.callers[&"10.0.1.1".parse().unwrap()], red);
    assert_eq!(
        table.gateway.backend("shop.test", "/x"),
        Some(&Backend::Listener(20_000))
    );
    assert!(table.sends_to(
        &red,
        &ServiceName::try_new("package").unwrap(),
        "10.0.1.1".parse().unwrap()
    ));
}

#[test]
fn a_service_without_a_record_is_reached_by_its_address() {
    let (plain, entry) = (service(None), ingress());
    let objects = Objects {
        services: vec![&plain],
        ingresses: vec![&entry],
        ..Objects::default()
    };
    let (table, _) = table(&objects);
    assert!(table.listeners.is_empty());
    let Some(Backend::Plain { address, .. }) = table.gateway.backend("shop.test", "/") else {
        panic!("no backend")
    };
    assert_eq!(address.to_string(), "10.96.0.1:80");
}

#[test]
fn a_record_that_cannot_be_read_takes_nothing_else_with_it() {
    let (broken, mut good) = (service(Some("{")), service(Some(RECORD)));
    good.metadata.name = Some("other".into());
    let objects = Objects {
        services: vec![&broken, &good],
        ..Objects::default()
    };
    let (table, left_out) = table(&objects);
    assert_eq!(table.listeners[&20_000].service.as_str(), "other");
    assert!(matches!(left_out[..], [LeftOut::Record(..)]), "{left_out:?}");
}
