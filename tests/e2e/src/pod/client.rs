//! The client pod: told by HTTP what to send, so that a test outside the cluster decides and a pod inside sends.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::load::Load;
use super::once;
use super::serve::{self, Answer};
use crate::wire::{Plan, Report, Request};

type Running = Arc<Mutex<Option<Load>>>;

/// Serves the control listener: `POST /load` starts, `GET /load` reports, `DELETE /load` reports and stops,
/// `POST /request` sends one request and answers its response, `GET /` answers that it is there.
///
/// # Errors
/// The port cannot be bound, or no longer accepts.
pub async fn run(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let running: Running = Arc::default();
    serve::forever(listener, move |request| control(Arc::clone(&running), request)).await?;
    Ok(())
}

async fn control(running: Running, request: http::Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return serve::text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let with = |load: Option<&Load>| load.map_or_else(Report::default, Load::report);
    match (parts.method, parts.uri.path()) {
        (Method::GET, "/") => serve::text(StatusCode::OK, "ready"),
        (Method::POST, "/load") => match serde_json::from_slice::<Plan>(&body) {
            Ok(plan) => {
                *lock(&running) = Some(Load::start(plan));
                serve::text(StatusCode::OK, "started")
            }
            Err(error) => serve::text(StatusCode::BAD_REQUEST, error.to_string()),
        },
        (Method::GET, "/load") => serve::json(&with(lock(&running).as_ref())),
        (Method::DELETE, "/load") => serve::json(&with(lock(&running).take().as_ref())),
        (Method::POST, "/request") => match serde_json::from_slice::<Request>(&body) {
            Ok(wanted) => match once::request(&wanted).await {
                Ok(response) => serve::json(&response),
                Err(error) => serve::text(StatusCode::BAD_GATEWAY, format!("{error:#}")),
            },
            Err(error) => serve::text(StatusCode::BAD_REQUEST, error.to_string()),
        },
        _ => serve::text(StatusCode::NOT_FOUND, "no such path"),
    }
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, Option<Load>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
