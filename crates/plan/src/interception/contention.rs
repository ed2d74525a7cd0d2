//! Another writer that keeps taking a Service back.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;

use super::ownership::is_ours_name;
use super::paths::Paths;

/// How many times in a row one writer may take a Service back right after a flip before it is left plain.
pub const ROUNDS: u32 = 4;
/// A take-back this many seconds after the flip, or sooner, is one of a tool that keeps doing it.
pub(super) const SOON_SECONDS: i64 = 90;
/// After this many seconds a contended Service is tried again.
pub(super) const TRY_AGAIN_SECONDS: i64 = 600;

/// What the controller remembers of one Service. A restart forgets it, which costs [`ROUNDS`] more rounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rounds {
    /// When it was last flipped.
    pub flipped: Option<Timestamp>,
    /// Who took it back last.
    pub manager: Option<String>,
    /// How many times in a row.
    pub count: u32,
    /// When it was taken back last.
    pub reverted: Option<Timestamp>,
}

// === impl Rounds ===

impl Rounds {
    /// Remembers a flip.
    pub fn flip(&mut self, now: Timestamp) {
        self.flipped = Some(now);
    }

    /// Remembers that the Service was found taken back by `manager`.
    pub fn revert(&mut self, manager: Option<String>, now: Timestamp) {
        let Some(flipped) = self.flipped.take() else {
            return;
        };
        let soon = now.as_second().saturating_sub(flipped.as_second()) <= SOON_SECONDS;
        self.count = match (soon, self.manager == manager) {
            (true, true) => self.count.saturating_add(1),
            (true, false) => 1,
            (false, _) => 0,
        };
        self.manager = manager;
        self.reverted = Some(now);
    }

    /// Who contends for the Service at `now`, if somebody does.
    #[must_use]
    pub fn contender(&self, now: Timestamp) -> Option<&str> {
        let reverted = self.reverted?;
        let recent = now.as_second().saturating_sub(reverted.as_second()) < TRY_AGAIN_SECONDS;
        (self.count >= ROUNDS && recent).then(|| self.manager.as_deref().unwrap_or("an unknown writer"))
    }
}

/// Who last wrote the selector or the ports, as `managedFields` says.
#[must_use]
pub fn last_writer(service: &Service) -> Option<String> {
    let entries = service.metadata.managed_fields.iter().flatten();
    entries
        .filter(|entry| entry.subresource.is_none() && !is_ours_name(entry.manager.as_deref()))
        .filter(|entry| {
            let paths = entry
                .fields_v1
                .as_ref()
                .map(|fields| Paths::read(&fields.0))
                .unwrap_or_default();
            !paths.under(&["f:spec", "f:selector"]).0.is_empty()
                || !paths.under(&["f:spec", "f:ports"]).0.is_empty()
        })
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
        .and_then(|entry| entry.manager.clone())
}

/// What the tool behind `manager` needs so that it leaves an intercepted Service alone.
#[must_use]
pub fn setting_for(manager: &str, service: &str) -> String {
    if manager.starts_with("argocd") {
        return format!(
            "in the Argo CD Application set syncOptions [RespectIgnoreDifferences=true] and ignoreDifferences \
             [{{kind: Service, name: {service}, jqPathExpressions: [.spec.selector, .spec.ports[].targetPort]}}]"
        );
    }
    if manager.starts_with("kustomize-controller") {
        return "annotate the Service with `kustomize.toolkit.fluxcd.io/ssa: IfNotPresent`".to_owned();
    }
    if manager.starts_with("helm-controller") {
        return format!(
            "in the HelmRelease set driftDetection.ignore [{{paths: [/spec/selector, /spec/ports], \
             target: {{kind: Service, name: {service}}}}}]"
        );
    }
    "make that tool ignore spec.selector and spec.ports[].targetPort of this Service, or name it under `intercept.except`".to_owned()
}
