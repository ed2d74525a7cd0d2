//! Which Services a Baseline asks to intercept.

use devspace_api::baseline::Intercept;
use k8s_openapi::api::core::v1::Service;

use super::network::matches;
use super::refusal::is_own;

/// Whether the Baseline asks for this Service. Ours are never asked for, and `except` wins.
#[must_use]
pub fn is_wanted(intercept: &Intercept, service: &Service) -> bool {
    let Some(name) = service.metadata.name.as_deref() else {
        return false;
    };
    if is_own(service) || intercept.except.iter().any(|except| except == name) {
        return false;
    }
    let labels = service.metadata.labels.clone().unwrap_or_default();
    // An empty label selector matches everything, as everywhere in Kubernetes.
    let by_label = intercept
        .selector
        .as_ref()
        .is_some_and(|selector| matches(selector, &labels));
    intercept.all || by_label || intercept.services.iter().any(|wanted| wanted == name)
}
