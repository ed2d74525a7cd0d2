//! Handlers that only read.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use delivery_common::context::CallContext;
use delivery_common::problem::Problem;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{App, Failure, not_found};
use crate::month::{month, required};

type Pairs = Query<Vec<(String, String)>>;

/// A value as JSON with the media type that the contract names.
pub(super) fn as_json<T: Serialize>(value: &T) -> Result<Response, Failure> {
    match serde_json::to_vec(value) {
        Ok(text) => Ok(([(CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            Err(Problem::internal().into())
        }
    }
}

pub(super) async fn delivery(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Failure> {
    as_json(&app.store.get(&id).await?.ok_or_else(not_found)?)
}

pub(super) async fn owner(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Failure> {
    as_json(&app.store.get(&id).await?.ok_or_else(not_found)?.owner)
}

pub(super) async fn status(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Failure> {
    let delivery = app.store.get(&id).await?.ok_or_else(not_found)?;
    let events = app.store.events(&id).await?;
    as_json(&crate::status::status(&delivery, &events, Timestamp::now()))
}

pub(super) async fn summary(State(app): State<App>, Query(query): Pairs) -> Result<Response, Failure> {
    let owner = required(&query, "ownerId")?;
    let count = app.store.count(owner, month(&query)?).await?;
    as_json(&json!({ "count": count }))
}

pub(super) async fn invoice(
    State(app): State<App>,
    Extension(context): Extension<CallContext>,
    Query(query): Pairs,
) -> Result<Response, Failure> {
    let owner = required(&query, "ownerId")?;
    let month = month(&query)?
        .ok_or_else(|| Problem::with_detail(StatusCode::BAD_REQUEST, "year and month are missing"))?;
    let deliveries = app.store.count(owner, Some(month)).await?;
    as_json(&app.sources.invoice(owner, month, deliveries, &context).await?)
}
