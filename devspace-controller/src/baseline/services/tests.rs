//! Patches against an API server that answers by script.

use std::pin::pin;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tower_test::mock::{self, Handle};

use super::*;

type Server = Handle<Request<Body>, Response<Body>>;

fn api() -> (Api<Service>, Server) {
    let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
    (Api::namespaced(Client::new(service, "shop"), "shop"), server)
}

/// A Service whose selector belongs to `owner`.
fn service(version: &str, owner: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": "package", "namespace": "shop", "resourceVersion": version,
            "managedFields": [{
                "manager": owner, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:selector": {}}},
            }],
        },
        "spec": {"selector": {"app": "package"}},
    })
}

fn object(value: Value) -> Service {
    serde_json::from_value(value).unwrap()
}

/// Answers the next request and returns its method and body.
async fn answer(server: &mut Server, status: StatusCode, body: &Value) -> (Method, Value) {
    let (request, respond) = server.next_request().await.unwrap();
    let (parts, sent) = request.into_parts();
    assert_eq!(parts.uri.path(), "/api/v1/namespaces/shop/services/package");
    let sent = sent.collect().await.unwrap().to_bytes();
    let response = Response::builder()
        .status(status)
        .body(Body::from(body.to_string().into_bytes()));
    respond.send_response(response.unwrap());
    (parts.method, serde_json::from_slice(&sent).unwrap_or_default())
}

fn refused(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "message": "no", "code": code})
}

#[tokio::test]
async fn each_change_is_followed_by_the_patch_that_gives_fields_back() {
    let (api, server) = api();
    let mut server = pin!(server);
    let before = object(service("1", "helm"));
    let serve = async {
        let first = answer(&mut server, StatusCode::OK, &service("2", MANAGER)).await;
        let second = answer(&mut server, StatusCode::OK, &service("3", "helm")).await;
        (first, second)
    };
    let body = json!({"spec": {}});
    let (changed, (first, second)) = tokio::join!(change(&api, &before, &body), serve);
    assert_eq!(first, (Method::PATCH, body.clone()));
    assert_eq!(second.1["metadata"]["resourceVersion"], "2");
    assert_eq!(second.1["metadata"]["managedFields"][0]["manager"], "helm");
    assert_eq!(changed.unwrap().unwrap().resource_version().as_deref(), Some("3"));
}

#[tokio::test]
async fn another_write_between_the_two_patches_does_not_stop_the_second() {
    let (api, server) = api();
    let mut server = pin!(server);
    let before = object(service("1", "helm"));
    let serve = async {
        answer(&mut server, StatusCode::OK, &service("2", MANAGER)).await;
        answer(&mut server, StatusCode::CONFLICT, &refused(409)).await;
        let (looked, _) = answer(&mut server, StatusCode::OK, &service("5", MANAGER)).await;
        assert_eq!(looked, Method::GET);
        answer(&mut server, StatusCode::OK, &service("6", "helm")).await
    };
    let body = json!({"spec": {}});
    let (changed, last) = tokio::join!(change(&api, &before, &body), serve);
    assert_eq!(
        last.1["metadata"]["resourceVersion"], "5",
        "made for what was seen last"
    );
    assert!(changed.unwrap().is_some());
}

#[tokio::test]
async fn a_change_that_comes_too_late_is_no_error_and_nothing_follows_it() {
    for code in [404, 409] {
        let (api, server) = api();
        let mut server = pin!(server);
        let before = object(service("1", "helm"));
        let status = StatusCode::from_u16(code).unwrap();
        let refusal = refused(code);
        let body = json!({"spec": {}});
        let serve = answer(&mut server, status, &refusal);
        let (changed, _) = tokio::join!(change(&api, &before, &body), serve);
        assert!(changed.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_refused_change_is_told_with_what_it_was_about() {
    let (api, server) = api();
    let mut server = pin!(server);
    let before = object(service("1", "helm"));
    let refusal = refused(403);
    let body = json!({"spec": {}});
    let serve = answer(&mut server, StatusCode::FORBIDDEN, &refusal);
    let (changed, _) = tokio::join!(change(&api, &before, &body), serve);
    let error = changed.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.code()),
        ("patch Service package", Some(403))
    );
}
