//! Telling those who asked that a delivery has come.

use serde_json::json;

use delivery_common::context::CallContext;
use delivery_common::logging::causes;
use delivery_common::upstream::Upstream;

use crate::model::NotifyMe;

/// Sends notifications to the address in `NOTIFICATION_URL`; without one it only logs that they were due.
#[derive(Debug, Clone, Default)]
pub struct Notifier(Option<Upstream>);

impl Notifier {
    /// A notifier that posts to this service.
    #[must_use]
    pub fn new(target: Option<Upstream>) -> Self {
        Self(target)
    }

    /// Sends one notification for each request. A failure is logged and does not undo the confirmation.
    pub async fn completed(&self, id: &str, requests: &[NotifyMe], context: &CallContext) {
        for request in requests {
            let outcome = self.send(id, request, context).await;
            // No address is logged: it belongs to a person.
            tracing::info!(
                delivery_id = id,
                outcome,
                correlation_id = context.correlation(),
                "notification"
            );
        }
    }

    async fn send(&self, id: &str, request: &NotifyMe, context: &CallContext) -> String {
        let Some(target) = &self.0 else {
            return "no notification service is configured".to_owned();
        };
        let message = json!({
            "deliveryId": id,
            "emailAddress": request.email_address,
            "sms": request.sms,
            "message": "Your delivery has arrived.",
        });
        match target.post("", message.to_string().into_bytes(), context).await {
            Ok(answer) if answer.status.is_success() => "sent".to_owned(),
            Ok(answer) => format!("refused with status {}", answer.status.as_u16()),
            Err(error) => causes(&error),
        }
    }
}
