//! What the router counts. No label ever comes from a client: services are those of the table.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use devspace_core::ServiceName;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum RouteKind {
    /// The baseline, to a request without a key.
    Baseline,
    /// The baseline, to a request with a key.
    KeyedBaseline,
    /// A copy of the key's own space.
    Copy,
    /// A copy of a parent.
    ParentCopy,
    /// The router itself.
    Router,
}

/// The class of a status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum StatusClass {
    /// 1xx and 2xx.
    Success,
    /// 3xx.
    Redirect,
    /// 4xx.
    Client,
    /// 5xx.
    Server,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    service: String,
    route: RouteKind,
    status: StatusClass,
}

/// Why a request was sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum RetryReason {
    /// Nothing of it had left.
    NotSent,
    /// It is idempotent, has no body, and no byte of an answer had come.
    Idempotent,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RetryLabels {
    reason: RetryReason,
}

/// Counters and gauges of the data plane, shared by all threads.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    retries: Family<RetryLabels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) tunnels: Gauge,
    pub(crate) held: Gauge,
    pub(crate) held_total: Counter,
    pub(crate) held_failed: Counter,
    pub(crate) upstream_connects: Counter,
    pub(crate) upstream_connect_failures: Counter,
    pub(crate) baggage_too_large: Counter,
    pub(crate) accept_errors: Counter,
}

/// The counters of one service.
type OfService = HashMap<(RouteKind, StatusClass), Counter>;

/// One thread's way to the counters: a family is locked once per label set, not once per request.
#[derive(Debug)]
pub(crate) struct WorkerMetrics {
    pub(crate) shared: Arc<Metrics>,
    requests: RefCell<HashMap<ServiceName, OfService>>,
}

// === impl Metrics ===

impl Metrics {
    /// Makes them and registers them.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Arc<Self> {
        let all = Self::default();
        let registry = registry.sub_registry_with_prefix("devspace_router");
        registry.register(
            "requests",
            "Requests by service, route and status",
            all.requests.clone(),
        );
        registry.register(
            "retries",
            "Requests that were sent once more",
            all.retries.clone(),
        );
        registry.register(
            "connections",
            "Open connections of callers",
            all.connections.clone(),
        );
        registry.register(
            "tunnels",
            "Open tunnels: upgrades and opaque TCP",
            all.tunnels.clone(),
        );
        registry.register("held", "Requests that wait for a copy", all.held.clone());
        registry.register(
            "held_ever",
            "Requests that had to wait for a copy",
            all.held_total.clone(),
        );
        registry.register(
            "held_in_vain",
            "Requests that waited and were refused",
            all.held_failed.clone(),
        );
        registry.register(
            "upstream_connects",
            "Connections made to endpoints",
            all.upstream_connects.clone(),
        );
        let failures = all.upstream_connect_failures.clone();
        registry.register(
            "upstream_connect_failures",
            "Connections that endpoints did not take",
            failures,
        );
        let baggage = all.baggage_too_large.clone();
        registry.register(
            "baggage_too_large",
            "Requests whose baggage had no room for the key",
            baggage,
        );
        registry.register(
            "accept_errors",
            "Errors of accepting connections",
            all.accept_errors.clone(),
        );
        Arc::new(all)
    }

    /// Drops the series of a service that is gone.
    pub fn forget(&self, service: &ServiceName) {
        for route in RouteKind::ALL {
            for status in StatusClass::ALL {
                self.requests.remove(&RequestLabels {
                    service: service.to_string(),
                    route,
                    status,
                });
            }
        }
    }
}

// === impl WorkerMetrics ===

impl WorkerMetrics {
    pub(crate) fn new(shared: Arc<Metrics>) -> Self {
        Self {
            shared,
            requests: RefCell::default(),
        }
    }

    pub(crate) fn request(&self, service: &ServiceName, route: RouteKind, status: http::StatusCode) {
        let status = StatusClass::of(status);
        let mut known = self.requests.borrow_mut();
        if let Some(counter) = known
            .get(service.as_str())
            .and_then(|of| of.get(&(route, status)))
        {
            counter.inc();
            return;
        }
        let labels = RequestLabels {
            service: service.to_string(),
            route,
            status,
        };
        let counter = self.shared.requests.get_or_create(&labels).clone();
        counter.inc();
        known
            .entry(service.clone())
            .or_default()
            .insert((route, status), counter);
    }

    /// Lets go of counters that may have been dropped with their service.
    pub(crate) fn forget_cached(&self) {
        self.requests.borrow_mut().clear();
    }

    pub(crate) fn retry(&self, reason: RetryReason) {
        self.shared.retries.get_or_create(&RetryLabels { reason }).inc();
    }
}

// === impl StatusClass ===

impl StatusClass {
    const ALL: [Self; 4] = [Self::Success, Self::Redirect, Self::Client, Self::Server];

    fn of(status: http::StatusCode) -> Self {
        match status.as_u16() {
            0..300 => Self::Success,
            300..400 => Self::Redirect,
            400..500 => Self::Client,
            _ => Self::Server,
        }
    }
}

// === impl RouteKind ===

impl RouteKind {
    const ALL: [Self; 5] = [
        Self::Baseline,
        Self::KeyedBaseline,
        Self::Copy,
        Self::ParentCopy,
        Self::Router,
    ];
}
