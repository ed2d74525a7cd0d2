//! Handlers that change something.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use delivery_common::context::CallContext;
use delivery_common::json::request_body;
use delivery_common::problem::Problem;
use delivery_common::upstream::encoded;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::reads::as_json;
use super::{App, Failure, not_found};
use crate::model::{Confirmation, Delivery, NotifyMe, Reschedule, Stage, TrackingEvent};
use crate::status::latest;
use crate::store::Put;

fn event(stage: Stage, location: delivery_common::place::Location) -> TrackingEvent {
    TrackingEvent {
        stage,
        location,
        at: Timestamp::now(),
    }
}

/// Creates or replaces. The body's id is the key, as in the contract; the path's id where the body has none.
pub(super) async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let mut delivery: Delivery = request_body(&headers, &body).map_err(Problem::from)?;
    if delivery.id.is_empty() {
        delivery.id = id;
    }
    // The owner is not logged: it names a person.
    match app
        .store
        .put(&delivery, &event(Stage::Created, delivery.pickup))
        .await?
    {
        Put::Replaced => Ok(StatusCode::NO_CONTENT.into_response()),
        Put::Created => {
            let address = format!("/api/deliveries/{}", encoded(&delivery.id));
            Ok((StatusCode::CREATED, [(LOCATION, address)], as_json(&delivery)?).into_response())
        }
    }
}

pub(super) async fn reschedule(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let change: Reschedule = request_body(&headers, &body).map_err(Problem::from)?;
    let delivery = app.store.get(&id).await?.ok_or_else(not_found)?;
    let changed = Delivery {
        pickup: change.pickup,
        dropoff: change.dropoff,
        deadline: change.deadline,
        ..delivery
    };
    let exists = app
        .store
        .change(&changed, &event(Stage::Rescheduled, changed.pickup))
        .await?;
    if exists {
        Ok(StatusCode::OK)
    } else {
        Err(not_found())
    }
}

pub(super) async fn cancel(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let delivery = app.store.get(&id).await?.ok_or_else(not_found)?;
    let events = app.store.events(&id).await?;
    let place = latest(events.iter()).map_or(delivery.pickup, |event| event.location);
    app.store.close(&id, &event(Stage::Cancelled, place)).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn notify_me(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let request: NotifyMe = request_body(&headers, &body).map_err(Problem::from)?;
    app.store.get(&id).await?.ok_or_else(not_found)?;
    app.store.add_notify(&id, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn confirm(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(context): Extension<CallContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let confirmation: Confirmation = request_body(&headers, &body).map_err(Problem::from)?;
    app.store.get(&id).await?.ok_or_else(not_found)?;
    app.store
        .close(&id, &event(Stage::Completed, confirmation.geo_coordinates))
        .await?;
    app.notifier
        .completed(&id, &app.store.notifies(&id).await?, &context)
        .await;
    Ok(StatusCode::OK)
}
