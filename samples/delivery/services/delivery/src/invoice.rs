//! An owner's invoice for one month: what three services know, merged.
//!
//! The gateway aggregation of the reference: one request of a client becomes parallel calls, each with the client's
//! own context. Each part stands in the invoice as its service answered it, so a field that a service adds is seen
//! by clients without a change here.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use delivery_common::context::CallContext;
use delivery_common::upstream::{Answer, CallError, Upstream, encoded};

use crate::month::Month;

/// The services that the invoice asks.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The package service.
    pub package: Upstream,
    /// The drone scheduler.
    pub dronescheduler: Upstream,
}

/// The merged invoice.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// Whose.
    pub owner_id: String,
    /// Of which year.
    pub year: i16,
    /// Of which month, 1 to 12.
    pub month: i8,
    /// How many deliveries were created: `{"count": n}`.
    pub deliveries: Value,
    /// The package service's summary: `{"totalWeight": n}` and whatever else it says.
    pub packages: Map<String, Value>,
    /// The drone scheduler's utilization: `{"traveledMiles": n, "assignedHours": n}` and whatever else it says.
    pub drones: Map<String, Value>,
}

/// Why there is no invoice.
#[derive(Debug, Error)]
pub enum InvoiceError {
    /// A service gave no answer.
    #[error("{service} gave no answer")]
    Call {
        /// The service.
        service: &'static str,
        /// Why.
        #[source]
        source: CallError,
    },
    /// A service answered with a status that says that it failed.
    #[error("{service} answered with status {status}")]
    Status {
        /// The service.
        service: &'static str,
        /// Its answer.
        status: StatusCode,
    },
    /// A service answered with something else than a JSON object.
    #[error("{service} answered with something that is no JSON object")]
    Body {
        /// The service.
        service: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl InvoiceError {
    /// 504 where a service was late, else 502.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Call {
                source: CallError::Late { .. },
                ..
            } => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Sources {
    /// Asks both services at once and merges what they say.
    ///
    /// # Errors
    /// The first service that failed. Drones without any utilization are no failure: the scheduler says 404, and the
    /// invoice says zero.
    ///
    /// # Cancel safety
    /// Dropping the future ends both calls; they only read.
    pub async fn invoice(
        &self,
        owner: &str,
        month: Month,
        deliveries: u64,
        context: &CallContext,
    ) -> Result<Invoice, InvoiceError> {
        let when = format!("year={}&month={}", month.year, month.month);
        let owner_text = encoded(owner);
        let summary = format!("/api/packages/summary/{owner_text}?{when}");
        let utilization = format!("/api/dronedeliveries/utilization?ownerId={owner_text}&{when}");
        let (summary, utilization) = tokio::join!(
            self.package.get(&summary, context),
            self.dronescheduler.get(&utilization, context),
        );
        let none = json!({"traveledMiles": 0, "assignedHours": 0});
        Ok(Invoice {
            owner_id: owner.to_owned(),
            year: month.year,
            month: month.month,
            deliveries: json!({"count": deliveries}),
            packages: part("package", summary, None)?,
            drones: part("dronescheduler", utilization, none.as_object().cloned())?,
        })
    }
}

/// One part of the invoice; `absent` is what a 404 stands for.
fn part(
    service: &'static str,
    answer: Result<Answer, CallError>,
    absent: Option<Map<String, Value>>,
) -> Result<Map<String, Value>, InvoiceError> {
    let answer = answer.map_err(|source| InvoiceError::Call { service, source })?;
    if answer.status == StatusCode::NOT_FOUND
        && let Some(absent) = absent
    {
        return Ok(absent);
    }
    if answer.status != StatusCode::OK {
        return Err(InvoiceError::Status {
            service,
            status: answer.status,
        });
    }
    serde_json::from_slice(&answer.body).map_err(|source| InvoiceError::Body { service, source })
}
