//! Counters of the admin port, in the OpenMetrics text format.

use std::sync::{Arc, atomic::AtomicI64};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Labels of a reconcile.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconcile {
    kind: String,
    outcome: String,
}

/// Counters of the admin port. Clones count into the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    reconciles: Family<Reconcile, Counter>,
    leader: Gauge<i64, AtomicI64>,
}

// === impl Metrics ===

impl Metrics {
    /// Counters at zero.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("devspace_controller");
        let reconciles = Family::default();
        let leader = Gauge::default();
        registry.register(
            "reconciles",
            "Reconciled objects by kind and outcome",
            reconciles.clone(),
        );
        registry.register("leader", "1 while this process holds the lease", leader.clone());
        Self {
            registry: Arc::new(registry),
            reconciles,
            leader,
        }
    }

    /// Counts one reconcile of a `kind`.
    pub(crate) fn reconciled(&self, kind: &str, ok: bool) {
        let outcome = if ok { "ok" } else { "error" };
        let labels = Reconcile {
            kind: kind.to_owned(),
            outcome: outcome.to_owned(),
        };
        self.reconciles.get_or_create(&labels).inc();
    }

    /// Says whether this process holds the lease.
    pub(crate) fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// All numbers as text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _infallible = text::encode(&mut out, &self.registry);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_what_was_counted() {
        let metrics = Metrics::new();
        metrics.reconciled("Baseline", true);
        metrics.leads(true);
        let text = metrics.text();
        assert!(
            text.contains(r#"devspace_controller_reconciles_total{kind="Baseline",outcome="ok"} 1"#),
            "{text}"
        );
        assert!(text.contains("devspace_controller_leader 1"), "{text}");
    }
}
