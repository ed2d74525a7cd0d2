//! What the service says to others: the invoice's two calls and the notifications, against listening stubs.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it must be"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use delivery::api::{App, router};
use delivery::invoice::Sources;
use delivery::notify::Notifier;
use delivery::store;
use delivery_common::context::CarrierList;
use delivery_common::serve::Observer;
use delivery_common::upstream::Upstream;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// A call that a stub saw.
struct Seen {
    target: String,
    headers: HeaderMap,
    body: String,
}

/// Another service: it answers every request alike and reports it.
struct Stub {
    address: String,
    seen: mpsc::Receiver<Seen>,
    _serving: JoinSet<()>,
}

async fn stub(status: StatusCode, body: &'static str, meet: Option<Arc<Barrier>>) -> Stub {
    let (report, seen) = mpsc::channel(16);
    let answer = move |request: Request| {
        let (report, meet) = (report.clone(), meet.clone());
        async move {
            let (parts, content) = request.into_parts();
            let content = content.collect().await.unwrap().to_bytes();
            let body_text = String::from_utf8(content.to_vec()).unwrap();
            report
                .send(Seen {
                    target: parts.uri.to_string(),
                    headers: parts.headers,
                    body: body_text,
                })
                .await
                .unwrap();
            if let Some(meet) = meet {
                meet.wait().await;
            }
            (status, body).into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        axum::serve(listener, Router::new().fallback(answer))
            .await
            .unwrap()
    });
    Stub {
        address,
        seen,
        _serving: serving,
    }
}

async fn service(package: &str, drones: &str, notifications: Option<&str>) -> Router {
    let upstream = |address: &str| Upstream::new(address, Duration::from_secs(5));
    let app = App {
        store: store::open("memory:").await.unwrap(),
        sources: Sources {
            package: upstream(package),
            dronescheduler: upstream(drones),
        },
        notifier: Notifier::new(notifications.map(upstream)),
    };
    router(app, &Observer::new(CarrierList::default()))
}

async fn call(app: &Router, request: http::request::Builder, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let request = request
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let response: Response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&text).unwrap_or_default())
}

const INVOICE: &str = "/api/invoices?ownerId=owner%2017&year=2025&month=11";
const USED: &str = r#"{"traveledMiles":42,"assignedHours":3}"#;

#[tokio::test]
async fn the_invoice_merges_two_parallel_calls_that_carry_the_context() {
    // Each stub answers only when both were called: calls one after the other would end in a time-out.
    let both = Arc::new(Barrier::new(2));
    let mut package = stub(
        StatusCode::OK,
        r#"{"totalWeight":400,"note":"new"}"#,
        Some(Arc::clone(&both)),
    )
    .await;
    let mut drones = stub(StatusCode::OK, USED, Some(both)).await;
    let app = service(&package.address, &drones.address, None).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = Request::get(INVOICE)
        .header("devspace-route-as", "red")
        .header("baggage", "user=7,devspace=red")
        .header("tracestate", "v=1")
        .header("traceparent", trace)
        .header("cookie", "session=1");
    let (status, invoice) = call(&app, request, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{invoice}");
    assert_eq!(
        invoice,
        json!({
            "ownerId": "owner 17", "year": 2025, "month": 11,
            "deliveries": {"count": 0},
            "packages": {"totalWeight": 400, "note": "new"},
            "drones": {"traveledMiles": 42, "assignedHours": 3},
        })
    );
    let (summary, utilization) = (
        package.seen.recv().await.unwrap(),
        drones.seen.recv().await.unwrap(),
    );
    assert_eq!(
        summary.target,
        "/api/packages/summary/owner%2017?year=2025&month=11"
    );
    assert_eq!(
        utilization.target,
        "/api/dronedeliveries/utilization?ownerId=owner%2017&year=2025&month=11"
    );
    for seen in [summary, utilization] {
        assert_eq!(seen.headers["devspace-route-as"], "red");
        assert_eq!(seen.headers["baggage"], "user=7,devspace=red");
        assert_eq!(seen.headers["tracestate"], "v=1");
        assert_eq!(seen.headers["traceparent"], trace);
        assert!(!seen.headers.contains_key("cookie"));
    }
}

#[tokio::test]
async fn concurrent_invoices_keep_their_contexts_apart() {
    let mut package = stub(StatusCode::OK, "{}", None).await;
    let drones = stub(StatusCode::OK, USED, None).await;
    let app = service(&package.address, &drones.address, None).await;
    let mut calls = JoinSet::new();
    for key in ["red", "blue", ""] {
        let app = app.clone();
        calls.spawn(async move {
            let mut request = Request::get(format!("/api/invoices?ownerId=of-{key}&year=2025&month=11"));
            if !key.is_empty() {
                request = request.header("devspace-route-as", key);
            }
            call(&app, request, Value::Null).await.0
        });
    }
    while let Some(status) = calls.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    for _ in 0..3 {
        let seen = package.seen.recv().await.unwrap();
        let key = seen
            .headers
            .get("devspace-route-as")
            .map_or("", |key| key.to_str().unwrap());
        assert!(
            seen.target.contains(&format!("/of-{key}?")),
            "{} carried {key:?}",
            seen.target
        );
    }
}

#[tokio::test]
async fn drones_that_flew_nothing_count_as_zero_and_failures_do_not() {
    let package = stub(StatusCode::OK, r#"{"totalWeight":1}"#, None).await;
    let idle = stub(StatusCode::NOT_FOUND, "", None).await;
    let app = service(&package.address, &idle.address, None).await;
    let (status, invoice) = call(&app, Request::get(INVOICE), Value::Null).await;
    assert_eq!(
        (status, &invoice["drones"]),
        (StatusCode::OK, &json!({"traveledMiles": 0, "assignedHours": 0}))
    );

    let broken = stub(StatusCode::INTERNAL_SERVER_ERROR, "", None).await;
    for (package, drones) in [
        (&broken.address, &idle.address),
        (&package.address, &broken.address),
        (&idle.address, &idle.address),
    ] {
        let app = service(package, drones, None).await;
        let (status, problem) = call(&app, Request::get(INVOICE), Value::Null).await;
        assert_eq!(
            (status, &problem["status"]),
            (StatusCode::BAD_GATEWAY, &json!(502))
        );
    }
    let app = service("http://127.0.0.1:1", &idle.address, None).await;
    assert_eq!(
        call(&app, Request::get(INVOICE), Value::Null).await.0,
        StatusCode::BAD_GATEWAY
    );
}

#[tokio::test]
async fn an_invoice_is_of_one_owner_and_month() {
    let app = service("http://127.0.0.1:1", "http://127.0.0.1:1", None).await;
    for query in [
        "",
        "?ownerId=o",
        "?ownerId=o&year=2025",
        "?ownerId=o&year=2025&month=13",
        "?year=2025&month=1",
    ] {
        let (status, _) = call(&app, Request::get(format!("/api/invoices{query}")), Value::Null).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_confirmation_completes_and_notifies_each_who_asked() {
    let mut post = stub(StatusCode::ACCEPTED, "", None).await;
    let app = service("http://127.0.0.1:1", "http://127.0.0.1:1", Some(&post.address)).await;
    let place = json!({"altitude": 0, "latitude": 0, "longitude": 0});
    let delivery = json!({"owner": {"userId": "u"}, "pickup": place, "dropoff": place});
    assert_eq!(
        call(&app, Request::put("/api/deliveries/d"), delivery).await.0,
        StatusCode::CREATED
    );
    for sms in ["555", "556"] {
        let asked = json!({"emailAddress": "a@example.test", "sms": sms});
        let reply = call(&app, Request::post("/api/deliveries/d/notifymerequests"), asked).await;
        assert_eq!(reply.0, StatusCode::NO_CONTENT);
    }
    let confirmation = json!({
        "dateTime": {"dateTimeValue": "t"},
        "geoCoordinates": {"altitude": 1, "latitude": 2, "longitude": 3},
        "confirmationType": 1,
        "confirmationBlob": "b",
    });
    let request = Request::post("/api/deliveries/d/confirmations").header("devspace-route-as", "red");
    assert_eq!(call(&app, request, confirmation.clone()).await.0, StatusCode::OK);
    for sms in ["555", "556"] {
        let seen = post.seen.recv().await.unwrap();
        assert_eq!(seen.headers["devspace-route-as"], "red");
        let message: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(
            (&message["deliveryId"], &message["sms"]),
            (&json!("d"), &json!(sms))
        );
    }
    let (_, status) = call(&app, Request::get("/api/deliveries/d/status"), Value::Null).await;
    assert_eq!(
        (&status["stage"], &status["lastKnownLocation"]),
        (&json!(4), &confirmation["geoCoordinates"])
    );
}
