//! Whether the baseline can send requests to a copy of a service.

use devspace_api::Baseline;
use devspace_api::baseline::Interception;

use super::UpError;
use crate::nearest::nearest;

/// Refuses a service that `baseline` does not have, and one whose requests do not pass the router.
///
/// # Errors
/// [`UpError::UnknownService`] with the nearest names; [`UpError::NotIntercepted`] with the controller's reason.
pub(crate) fn check_service(baseline: &Baseline, namespace: &str, service: &str) -> Result<(), UpError> {
    let services = baseline.status.iter().flat_map(|status| &status.services);
    let known: Vec<String> = services.clone().map(|state| state.name.clone()).collect();
    let Some(state) = services.clone().find(|state| state.name == service) else {
        return Err(UpError::UnknownService {
            service: service.to_owned(),
            baseline: namespace.to_owned(),
            nearest: nearest(service, known.iter().map(String::as_str)),
            known,
        });
    };
    // On the way to interception is as good as there: the copy is not routed before the router has it.
    let asked = |name: &String| name == service;
    let on_the_way = state.state == Interception::Plain
        && (baseline.spec.intercept.all || baseline.spec.intercept.services.iter().any(asked))
        && !baseline.spec.intercept.except.iter().any(asked);
    if state.state == Interception::Intercepted || on_the_way {
        return Ok(());
    }
    let message = match (state.message.as_str(), state.reason.as_str()) {
        ("", "") => "nothing asks for its interception",
        ("", reason) => reason,
        (message, _) => message,
    };
    Err(UpError::NotIntercepted {
        service: service.to_owned(),
        baseline: namespace.to_owned(),
        state: state.state,
        message: message.to_owned(),
    })
}
