//! The HTTP face of the service: routes, and what is common to their handlers.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use delivery_common::logging::causes;
use delivery_common::paths::{Words, ignoring_case};
use delivery_common::problem::Problem;
use delivery_common::serve::{Observer, observed};
use http::StatusCode;

use crate::invoice::{InvoiceError, Sources};
use crate::notify::Notifier;
use crate::store::{DeliveryStore, StoreError};

mod changes;
mod reads;

const WORDS: Words = &[
    &["api", "healthz", "swagger"],
    &["deliveries", "invoices", "v1"],
    &["public", "summary", "swagger.json"],
    &["owner", "status", "notifymerequests", "confirmations"],
    &["status"],
];

const DESCRIPTION: &str = include_str!("../openapi.json");

/// What the handlers work with.
#[derive(Clone)]
pub struct App {
    /// Where deliveries are kept.
    pub store: Arc<dyn DeliveryStore>,
    /// Where invoices come from.
    pub sources: Sources,
    /// Who is told of completed deliveries.
    pub notifier: Notifier,
}

/// The service as a router.
pub fn router(app: App, observer: &Observer) -> Router {
    // The public view stands under a word of its own, so the gateway needs no rewriting: one prefix admits it.
    let routes = Router::new()
        .route("/healthz", get(|| async { "Healthy" }))
        .route(
            "/swagger/v1/swagger.json",
            get(|| async { ([(CONTENT_TYPE, "application/json")], DESCRIPTION) }),
        )
        .route("/api/invoices", get(reads::invoice))
        .route("/api/deliveries/summary", get(reads::summary))
        .route("/api/deliveries/public/{id}", get(reads::delivery))
        .route("/api/deliveries/public/{id}/status", get(reads::status))
        .route(
            "/api/deliveries/{id}",
            get(reads::delivery)
                .put(changes::put)
                .patch(changes::reschedule)
                .delete(changes::cancel),
        )
        .route("/api/deliveries/{id}/owner", get(reads::owner))
        .route("/api/deliveries/{id}/status", get(reads::status))
        .route("/api/deliveries/{id}/notifymerequests", post(changes::notify_me))
        .route("/api/deliveries/{id}/confirmations", post(changes::confirm))
        .with_state(app);
    ignoring_case(observed(routes, observer), WORDS)
}

/// A failure of a handler.
enum Failure {
    Known(Problem),
    Store(StoreError),
    Invoice(InvoiceError),
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

impl From<InvoiceError> for Failure {
    fn from(error: InvoiceError) -> Self {
        Self::Invoice(error)
    }
}

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        let problem = match self {
            Self::Known(problem) => problem,
            Self::Store(error) => {
                tracing::error!(error = causes(&error), "the store failed");
                Problem::internal()
            }
            Self::Invoice(error) => {
                tracing::error!(error = causes(&error), "an invoice has a part missing");
                Problem::with_detail(error.status(), error.to_string())
            }
        };
        problem.into_response()
    }
}

fn not_found() -> Failure {
    Failure::Known(Problem::new(StatusCode::NOT_FOUND))
}
