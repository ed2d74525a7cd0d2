//! The contract of the service, on each store there is: the one in memory always, PostgreSQL where
//! `TEST_POSTGRES_URL` names a database.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it must be"
)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use delivery_common::context::CarrierList;
use delivery_common::serve::Observer;
use dronescheduler::api::{App, router};
use dronescheduler::model::UtilizationRecord;
use dronescheduler::store::{self, DroneStore};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

struct Service {
    app: Router,
    store: Arc<dyn DroneStore>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// Each store with each way of asking for utilization.
async fn services() -> Vec<Service> {
    let mut connections = vec!["memory:".to_owned()];
    connections.extend(std::env::var("TEST_POSTGRES_URL").ok());
    let mut services = Vec::new();
    for connection in connections {
        let store = store::open(&connection).await.unwrap();
        for by_partition in [false, true] {
            let app = App {
                store: Arc::clone(&store),
                by_partition,
            };
            let app = router(app, &Observer::new(CarrierList::default()));
            services.push(Service {
                app,
                store: Arc::clone(&store),
            });
        }
    }
    services
}

impl Service {
    async fn call(&self, method: Method, path: &str, accept: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept);
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

    async fn put(&self, id: &str, body: Value) -> Reply {
        self.call(
            Method::PUT,
            &format!("/api/DroneDeliveries/{id}"),
            "*/*",
            Some(body),
        )
        .await
    }

    async fn utilization(&self, query: &str) -> Reply {
        self.call(
            Method::GET,
            &format!("/api/dronedeliveries/utilization?{query}"),
            "*/*",
            None,
        )
        .await
    }
}

fn unique(kind: &str) -> String {
    format!("{kind}-{}", Uuid::new_v4())
}

#[tokio::test]
async fn a_delivery_keeps_its_drone() {
    for service in services().await {
        let id = unique("d");
        let first = service
            .put(
                &id,
                json!({"deliveryId": id, "packageDetails": [], "expedited": false}),
            )
            .await;
        assert_eq!(first.status, StatusCode::OK);
        assert_eq!(first.headers["content-type"], "text/plain; charset=utf-8");
        let drone = first.text.strip_prefix("AssignedDroneId").unwrap();
        assert!(drone.parse::<Uuid>().is_ok(), "{drone}");
        assert_eq!(service.put(&id, json!({})).await.text, first.text);
        assert_ne!(service.put(&unique("d"), json!({})).await.text, first.text);

        let path = format!("/api/dronedeliveries/{id}");
        let quoted = service
            .call(Method::PUT, &path, "application/json", Some(json!({})))
            .await;
        assert_eq!(quoted.text, format!("\"{}\"", first.text));

        for _ in 0..2 {
            let released = service.call(Method::DELETE, &path, "*/*", None).await;
            assert_eq!((released.status, released.text.as_str()), (StatusCode::OK, ""));
        }
        assert_ne!(service.put(&id, json!({})).await.text, first.text);
    }
}

#[tokio::test]
async fn concurrent_requests_for_one_delivery_get_one_drone() {
    for service in services().await {
        let id = unique("d");
        let (first, second, third) = tokio::join!(
            service.put(&id, json!({})),
            service.put(&id, json!({})),
            service.put(&id, json!({}))
        );
        assert_eq!((&first.text, &first.text), (&second.text, &third.text));
    }
}

#[tokio::test]
async fn utilization_sums_the_month() {
    for service in services().await {
        let owner = unique("owner");
        let flight = |month: i8, miles: f64, hours: f64| UtilizationRecord {
            id: unique("d"),
            partition_key: owner.clone(),
            kind: "DroneUtilization".to_owned(),
            year: 2019,
            month,
            owner_id: owner.clone(),
            travelled_miles: miles,
            assigned_hours: hours,
        };
        service
            .store
            .record(&[flight(5, 10.0, 1.0), flight(5, 32.0, 2.0), flight(6, 7.0, 7.0)])
            .await
            .unwrap();
        let reply = service
            .utilization(&format!("ownerId={owner}&year=2019&month=5"))
            .await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(reply.text, r#"{"traveledMiles":42,"assignedHours":3}"#);
        let none = service
            .utilization(&format!("ownerId={owner}&year=2019&month=7"))
            .await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_flight_with_an_owner_counts_once_until_it_is_released() {
    for service in services().await {
        let (id, owner) = (unique("d"), unique("owner"));
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let query = format!("OwnerId={owner}&Year={}&Month={}", now.year(), now.month());
        let request = json!({"ownerId": owner, "pickup": {"latitude": 47}, "dropoff": {"latitude": 48}});
        service.put(&id, request.clone()).await;
        let once = service.utilization(&query).await;
        assert_eq!(once.status, StatusCode::OK);
        service.put(&id, request).await;
        assert_eq!(service.utilization(&query).await.text, once.text);
        service
            .call(Method::DELETE, &format!("/api/dronedeliveries/{id}"), "*/*", None)
            .await;
        assert_eq!(service.utilization(&query).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn unusable_input_is_refused() {
    for service in services().await {
        for query in [
            "",
            "year=2019&month=5",
            "ownerId=o&month=5",
            "ownerId=o&year=0&month=5",
            "ownerId=o&year=2019&month=x",
        ] {
            assert_eq!(
                service.utilization(query).await.status,
                StatusCode::BAD_REQUEST,
                "{query}"
            );
        }
        assert_eq!(service.put("d", json!([])).await.status, StatusCode::BAD_REQUEST);
        let undeclared = service
            .call(Method::PUT, "/api/dronedeliveries/d", "*/*", None)
            .await;
        assert_eq!(undeclared.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let post = service
            .call(Method::POST, "/api/dronedeliveries/d", "*/*", Some(json!({})))
            .await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn health_and_description_are_served() {
    for service in services().await {
        let get = async |path| service.call(Method::GET, path, "*/*", None).await;
        assert_eq!(get("/healthz").await.text, "Healthy");
        let description: Value = serde_json::from_str(&get("/swagger/v1/swagger.json").await.text).unwrap();
        for path in [
            "/api/dronedeliveries/{id}",
            "/api/dronedeliveries/utilization",
            "/healthz",
        ] {
            assert!(description["paths"][path].is_object(), "{path} is not described");
        }
    }
}
