//! The HTTP face of the service.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use bytes::Bytes;
use delivery_common::json::request_body;
use delivery_common::logging::causes;
use delivery_common::paths::{Words, ignoring_case};
use delivery_common::problem::Problem;
use delivery_common::serve::{Observer, observed};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::model::{DroneRequest, UtilizationRecord, new_drone_id};
use crate::store::{DroneStore, StoreError};

const WORDS: Words = &[
    &["api", "healthz", "swagger"],
    &["dronedeliveries", "v1"],
    &["utilization", "swagger.json"],
];

const DESCRIPTION: &str = include_str!("../openapi.json");

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    /// Where assignments are kept.
    pub store: Arc<dyn DroneStore>,
    /// Whether utilization is asked by partition (`FeatureManagement__UsePartitionKey`).
    pub by_partition: bool,
}

/// The service as a router.
pub fn router(app: App, observer: &Observer) -> Router {
    let routes = Router::new()
        .route("/healthz", get(|| async { "Healthy" }))
        .route(
            "/swagger/v1/swagger.json",
            get(|| async { ([(CONTENT_TYPE, "application/json")], DESCRIPTION) }),
        )
        .route("/api/dronedeliveries/utilization", get(utilization))
        .route("/api/dronedeliveries/{id}", put(assign).delete(release))
        .with_state(app);
    ignoring_case(observed(routes, observer), WORDS)
}

/// A failure of a handler.
enum Failure {
    Known(Problem),
    Store(StoreError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Known(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Known(problem) => problem.into_response(),
            // Class 22, data exception: a value that PostgreSQL cannot keep, such as a text with a null character.
            Self::Store(StoreError::Statement(error))
                if error.code().is_some_and(|state| state.code().starts_with("22")) =>
            {
                Problem::with_detail(StatusCode::BAD_REQUEST, "a value cannot be stored").into_response()
            }
            Self::Store(error) => {
                tracing::error!(error = causes(&error), "the store failed");
                Problem::internal().into_response()
            }
        }
    }
}

async fn assign(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: DroneRequest = request_body(&headers, &body).map_err(Problem::from)?;
    let flight = UtilizationRecord::of_request(&id, &request, Timestamp::now());
    let drone = app.store.assign(&id, &new_drone_id(), flight.as_ref()).await?;
    if only_json(&headers) {
        // An id has no character that JSON would escape.
        let quoted = format!("\"{drone}\"");
        return Ok(([(CONTENT_TYPE, "application/json; charset=utf-8")], quoted).into_response());
    }
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], drone).into_response())
}

/// Whether the caller takes JSON and no plain text.
fn only_json(headers: &HeaderMap) -> bool {
    let accepts = |wanted: &[&str]| {
        headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|range| wanted.contains(&range.trim().to_ascii_lowercase().as_str()))
    };
    accepts(&["application/json"]) && !accepts(&["text/plain", "text/*", "*/*"])
}

async fn release(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    app.store.release(&id).await?;
    Ok(StatusCode::OK)
}

async fn utilization(
    State(app): State<App>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let parameter = |name: &str| {
        let found = query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        found
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Problem::with_detail(StatusCode::BAD_REQUEST, format!("{name} is missing")))
    };
    let number = |name: &str| {
        let value = parameter(name)?.parse::<i32>().ok().filter(|number| *number >= 1);
        value.ok_or_else(|| {
            Problem::with_detail(
                StatusCode::BAD_REQUEST,
                format!("{name} is not a whole number from 1 on"),
            )
        })
    };
    let (owner, year, month) = (parameter("ownerId")?, number("year")?, number("month")?);
    let sums = app
        .store
        .utilization(owner, year, month, app.by_partition)
        .await?;
    if sums.is_zero() {
        return Err(Problem::new(StatusCode::NOT_FOUND).into());
    }
    let text = serde_json::to_vec(&sums).map_err(StoreError::Record)?;
    Ok(([(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response())
}
