//! What every controller of this program shares.

use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use devspace_api::names::MANAGER;

use crate::metrics::Metrics;
use crate::retries::Retries;
use crate::settings::Settings;

/// What every controller of this program shares. One value lives for one term of leadership.
pub(crate) struct Context {
    /// The API server.
    pub(crate) client: Client,
    /// What the program was told at its start.
    pub(crate) settings: Settings,
    /// Ends when the program stops or the lease is lost. Controllers finish the object in hand and return.
    pub(crate) shutdown: CancellationToken,
    /// How long to wait before an object that failed is tried again.
    pub(crate) retries: Retries,
    /// Counters of the admin port.
    pub(crate) metrics: Metrics,
    events: Recorder,
}

// === impl Context ===

impl Context {
    /// The shared state of one term of leadership.
    pub(crate) fn new(
        client: Client,
        settings: Settings,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Self {
        let reporter = Reporter {
            controller: MANAGER.to_owned(),
            instance: Some(settings.identity.clone()),
        };
        let events = Recorder::new(client.clone(), reporter);
        Self {
            client,
            settings,
            shutdown,
            retries: Retries::default(),
            metrics,
            events,
        }
    }

    /// Tells people about `object`. Events are best effort: a lost one is logged and changes nothing.
    pub(crate) async fn event<K>(&self, object: &K, type_: EventType, reason: &str, note: String)
    where
        K: Resource<DynamicType = ()>,
    {
        // The API server refuses notes above 1 kB (core/v1 Event, "note").
        let note = Some(note.chars().take(1000).collect());
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note,
            action: reason.to_owned(),
            secondary: None,
        };
        if let Err(error) = self.events.publish(&event, &object.object_ref(&())).await {
            tracing::warn!(object = object.name_any(), reason, %error, "event not written");
        }
    }
}
