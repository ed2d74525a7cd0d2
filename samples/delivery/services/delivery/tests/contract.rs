//! The contract of the service, over HTTP semantics, on each store there is: memory and SQLite always, Redis where
//! `TEST_REDIS_URL` names one.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it must be"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use delivery::api::{App, router};
use delivery::invoice::Sources;
use delivery::notify::Notifier;
use delivery::store::{self, DeliveryStore, RETENTION};
use delivery_common::context::CarrierList;
use delivery_common::serve::Observer;
use delivery_common::upstream::Upstream;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

struct Service {
    app: Router,
    store: Arc<dyn DeliveryStore>,
    /// Holds the SQLite file.
    _folder: Arc<TempDir>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// One service for each store.
async fn services() -> Vec<Service> {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite:{}", folder.path().join("delivery.db").display());
    let mut connections = vec!["memory:".to_owned(), file];
    connections.extend(std::env::var("TEST_REDIS_URL").ok());
    let folder = Arc::new(folder);
    let mut services = Vec::new();
    for connection in connections {
        let store = store::open(&connection).await.unwrap();
        let nowhere = Upstream::new("http://127.0.0.1:1", Duration::from_secs(1));
        let sources = Sources {
            package: nowhere.clone(),
            dronescheduler: nowhere,
        };
        let app = App {
            store: Arc::clone(&store),
            sources,
            notifier: Notifier::default(),
        };
        services.push(Service {
            app: router(app, &Observer::new(CarrierList::default())),
            store,
            _folder: Arc::clone(&folder),
        });
    }
    services
}

impl Service {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self
            .app
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    /// Creates a delivery with an id of its own, so that runs on one Redis do not meet.
    async fn created(&self) -> String {
        let id = format!("D-{}", Uuid::new_v4());
        let reply = self
            .call(Method::PUT, &format!("/api/deliveries/{id}"), Some(full(&id)))
            .await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        id
    }
}

fn full(id: &str) -> Value {
    json!({
        "id": id,
        "owner": {"userId": format!("owner of {id}"), "accountId": "a-1"},
        "pickup": {"altitude": 1, "latitude": 47.5, "longitude": 8},
        "dropoff": {"altitude": 2, "latitude": 47.6, "longitude": 8},
        "deadline": "noon",
        "expedited": true,
        "confirmationRequired": 3,
        "droneId": "drone-1",
    })
}

#[tokio::test]
async fn upsert_creates_then_replaces() {
    for service in services().await {
        let id = format!("D-{}", Uuid::new_v4());
        let path = format!("/api/Deliveries/{id}");
        let reply = service.call(Method::PUT, &path, Some(full(&id))).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        assert_eq!(reply.headers["location"], format!("/api/deliveries/{id}"));
        assert_eq!(reply.json(), full(&id));

        let mut changed = full(&id);
        changed["deadline"] = json!("midnight");
        let reply = service.call(Method::PUT, &path, Some(changed.clone())).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(service.get(&path).await.json(), changed);
        assert_eq!(
            service.get(&format!("/api/deliveries/public/{id}")).await.json(),
            changed
        );

        let events = service.store.events(&id).await.unwrap();
        assert_eq!(events.len(), 1, "one Created event, however often it is put");
    }
}

#[tokio::test]
async fn the_id_of_the_body_is_the_key_and_the_path_stands_in_for_it() {
    for service in services().await {
        let id = format!("D-{}", Uuid::new_v4());
        let mut body = full(&id);
        service
            .call(Method::PUT, "/api/deliveries/another", Some(body.clone()))
            .await;
        assert_eq!(
            service.get(&format!("/api/deliveries/{id}")).await.status,
            StatusCode::OK
        );

        let id = format!("D-{}", Uuid::new_v4());
        body["id"] = Value::Null;
        service
            .call(Method::PUT, &format!("/api/deliveries/{id}"), Some(body))
            .await;
        assert_eq!(
            service.get(&format!("/api/deliveries/{id}")).await.json()["id"],
            json!(id)
        );
    }
}

#[tokio::test]
async fn unknown_deliveries_are_not_found() {
    let place = json!({"altitude": 0, "latitude": 0, "longitude": 0});
    for service in services().await {
        let id = Uuid::new_v4();
        let reschedule = json!({"pickup": place, "dropoff": place, "deadline": ""});
        let confirmation = json!({"geoCoordinates": place});
        for (method, tail, body) in [
            (Method::GET, "", None),
            (Method::GET, "/owner", None),
            (Method::GET, "/status", None),
            (Method::PATCH, "", Some(reschedule)),
            (Method::DELETE, "", None),
            (
                Method::POST,
                "/notifymerequests",
                Some(json!({"emailAddress": "a@example.test"})),
            ),
            (Method::POST, "/confirmations", Some(confirmation)),
        ] {
            let reply = service
                .call(method, &format!("/api/deliveries/{id}{tail}"), body)
                .await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{tail}");
            assert_eq!(
                reply.headers["content-type"],
                "application/problem+json; charset=utf-8"
            );
            assert_eq!(reply.json()["status"], 404);
        }
    }
}

#[tokio::test]
async fn the_public_view_is_read_only() {
    for service in services().await {
        let id = service.created().await;
        let path = format!("/api/deliveries/public/{id}");
        for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
            let reply = service.call(method, &path, Some(full(&id))).await;
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(reply.headers["allow"], "GET,HEAD");
        }
        let status = service.get(&format!("{path}/status")).await;
        assert_eq!(status.json()["stage"], 0);
    }
}

#[tokio::test]
async fn reschedule_replaces_three_fields() {
    for service in services().await {
        let id = service.created().await;
        let path = format!("/api/deliveries/{id}");
        let (pickup, dropoff) = (
            json!({"altitude": 2, "latitude": 2, "longitude": 2}),
            json!({"altitude": 3, "latitude": 3, "longitude": 3}),
        );
        let change = json!({"pickup": pickup, "dropoff": dropoff, "deadline": "newdeadline"});
        let reply = service.call(Method::PATCH, &path, Some(change)).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
        let mut wanted = full(&id);
        (wanted["pickup"], wanted["dropoff"], wanted["deadline"]) =
            (pickup.clone(), dropoff, json!("newdeadline"));
        assert_eq!(service.get(&path).await.json(), wanted);
        let status = service.get(&format!("{path}/status")).await.json();
        assert_eq!(
            (&status["stage"], &status["lastKnownLocation"]),
            (&json!(1), &pickup)
        );
    }
}

#[tokio::test]
async fn cancelling_is_logical() {
    for service in services().await {
        let id = service.created().await;
        let path = format!("/api/deliveries/{id}");
        assert_eq!(service.store.expires_in(&id).await.unwrap(), None);
        let reply = service.call(Method::DELETE, &path, None).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(service.get(&path).await.json(), full(&id));
        assert_eq!(service.get(&format!("{path}/status")).await.json()["stage"], 5);
        let left = service.store.expires_in(&id).await.unwrap().unwrap();
        assert!(
            left <= RETENTION && left > RETENTION - Duration::from_secs(600),
            "{left:?}"
        );
        // Putting it again does not make it stay for ever.
        service.call(Method::PUT, &path, Some(full(&id))).await;
        assert!(service.store.expires_in(&id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn status_and_owner_have_the_contracts_shape() {
    for service in services().await {
        let id = service.created().await;
        let owner = service.get(&format!("/API/deliveries/{id}/Owner/")).await.json();
        assert_eq!(owner, full(&id)["owner"]);
        let status = service.get(&format!("/api/deliveries/{id}/status")).await.json();
        assert!(status["stage"].is_i64() && status["lastKnownLocation"]["latitude"].is_number());
        let (pickup, delivered) = (
            status["pickupETA"].as_str().unwrap(),
            status["deliveryETA"].as_str().unwrap(),
        );
        assert!(pickup.parse::<jiff::Timestamp>().unwrap() < delivered.parse().unwrap());
    }
}

#[tokio::test]
async fn the_summary_counts_what_an_owner_created() {
    for service in services().await {
        let id = service.created().await;
        let owner = format!("owner%20of%20{id}");
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let count = async |query: String| service.get(&format!("/api/deliveries/summary?{query}")).await;
        let month = format!("ownerId={owner}&year={}&month={}", now.year(), now.month());
        assert_eq!(count(month).await.json(), json!({"count": 1}));
        assert_eq!(
            count(format!("ownerid={owner}")).await.json(),
            json!({"count": 1})
        );
        assert_eq!(
            count(format!("ownerId={owner}&year=2019&month=5")).await.json(),
            json!({"count": 0})
        );
        assert_eq!(
            count("year=2019&month=5".to_owned()).await.status,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            count(format!("ownerId={owner}&year=2019")).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn unusable_bodies_are_refused_by_name() {
    for service in services().await {
        let path = "/api/deliveries/refused";
        let mut ownerless = full("refused");
        ownerless["owner"] = Value::Null;
        let reply = service.call(Method::PUT, path, Some(ownerless)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(
            reply.json()["detail"].as_str().unwrap().contains("owner"),
            "{}",
            reply.text
        );
        let mut strange = full("refused");
        strange["confirmationRequired"] = json!(4);
        assert_eq!(
            service.call(Method::PUT, path, Some(strange)).await.status,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            service.call(Method::PUT, path, None).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
        assert_eq!(service.get(path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn health_and_description_are_served() {
    for service in services().await {
        let health = service.get("/healthz").await;
        assert_eq!((health.status, health.text.as_str()), (StatusCode::OK, "Healthy"));
        let description = service.get("/swagger/v1/swagger.json").await.json();
        for path in [
            "/api/deliveries/{id}",
            "/api/deliveries/public/{id}",
            "/api/invoices",
            "/healthz",
        ] {
            assert!(description["paths"][path].is_object(), "{path} is not described");
        }
    }
}
