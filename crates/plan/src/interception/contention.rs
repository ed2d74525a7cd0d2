//! Another writer that keeps taking a Service back.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;

use super::ownership::is_ours_name;
use super::paths::Paths;

/// When a writer that takes a Service back counts as one that keeps doing it.
struct Patience {
    /// After how many times in a row.
    rounds: u32,
    /// Each of them this many seconds after the flip, or sooner.
    within_seconds: i64,
}

/// A GitOps tool compares again and again by itself, and soon or late takes each flip back.
/// People and pipelines apply several times in a row without meaning anything by it.
fn patience(manager: Option<&str>) -> Patience {
    let named =
        |names: &[&str]| manager.is_some_and(|manager| names.iter().any(|name| manager.starts_with(name)));
    if named(&["argocd", "kustomize-controller", "helm-controller"]) {
        return Patience {
            rounds: 3,
            within_seconds: 3600,
        };
    }
    if named(&["helm", "kubectl"]) {
        return Patience {
            rounds: 20,
            within_seconds: 10,
        };
    }
    Patience {
        rounds: 6,
        within_seconds: 30,
    }
}

/// After this many seconds a contended Service is tried again.
pub(super) const TRY_AGAIN_SECONDS: i64 = 600;

/// What the controller remembers of one Service. A restart forgets it, which costs a few more rounds.
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
        let within = patience(manager.as_deref()).within_seconds;
        let soon = now.as_second().saturating_sub(flipped.as_second()) <= within;
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
        (self.count >= patience(self.manager.as_deref()).rounds && recent)
            .then(|| self.manager.as_deref().unwrap_or("an unknown writer"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rounds: u32, manager: &str, seconds: i64) -> (Rounds, Timestamp) {
        let mut kept = Rounds::default();
        let mut now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for _ in 0..rounds {
            kept.flip(now);
            now = Timestamp::from_second(now.as_second() + seconds).unwrap();
            kept.revert(Some(manager.to_owned()), now);
        }
        (kept, now)
    }

    #[test]
    fn a_tool_that_keeps_at_it_contends_and_is_tried_again_later() {
        let (rounds, now) = after(3, "argocd-controller", 5);
        assert_eq!(rounds.contender(now), Some("argocd-controller"));
        let later = Timestamp::from_second(now.as_second() + TRY_AGAIN_SECONDS).unwrap();
        assert_eq!(rounds.contender(later), None);
        let (rounds, now) = after(3, "kustomize-controller", 600);
        assert_eq!(rounds.contender(now), Some("kustomize-controller"));
        assert_eq!(after(2, "argocd-controller", 5).0.contender(now), None);
    }

    #[test]
    fn a_person_who_applies_now_and_then_does_not() {
        let (rounds, now) = after(19, "helm", 5);
        assert_eq!(rounds.contender(now), None);
        let (rounds, now) = after(40, "helm", 11);
        assert_eq!(rounds.contender(now), None);
        let (mut rounds, now) = after(5, "mystery", 1);
        rounds.flip(now);
        rounds.revert(Some("another".to_owned()), now);
        assert_eq!(rounds.contender(now), None, "two writers are no series");
    }

    #[test]
    fn what_we_put_back_ourselves_is_no_round() {
        let (mut rounds, now) = after(2, "argocd-controller", 1);
        rounds.revert(Some("argocd-controller".to_owned()), now);
        assert_eq!(rounds.count, 2);
    }

    #[test]
    fn each_tool_gets_its_own_setting() {
        assert!(setting_for("argocd-controller", "package").contains("RespectIgnoreDifferences"));
        assert!(setting_for("helm-controller", "package").contains("driftDetection"));
        assert!(setting_for("mystery", "package").contains("intercept.except"));
    }
}
