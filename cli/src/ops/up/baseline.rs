//! Whether the baseline can send requests to a copy of a service.

use devspace_api::Baseline;
use devspace_api::baseline::Interception;

use super::UpError;
use crate::engine::Identity;
use crate::nearest::nearest;

/// Refuses a service that `baseline` does not have, and one whose requests do not pass the router.
///
/// # Errors
/// [`UpError::UnknownService`] with the nearest names; [`UpError::NotIntercepted`] with the controller's reason.
pub(crate) fn check_service(
    engine: &Identity,
    baseline: &Baseline,
    namespace: &str,
    service: &str,
) -> Result<(), UpError> {
    let services = baseline.status.iter().flat_map(|status| &status.services);
    let known: Vec<String> = services.clone().map(|state| state.name.clone()).collect();
    let Some(state) = services.clone().find(|state| state.name == service) else {
        return Err(UpError::UnknownService {
            service: service.to_owned(),
            baseline: namespace.to_owned(),
            nearest: nearest(service, known.iter().map(String::as_str)),
            known,
            local: engine.is_local(),
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

#[cfg(test)]
mod tests {
    use devspace_api::baseline::ServiceState;
    use devspace_api::{BaselineSpec, BaselineStatus};

    use super::*;
    use crate::report::Report;

    fn baseline() -> Baseline {
        let state = |name: &str, state, reason: &str, message: &str| ServiceState {
            name: name.into(),
            state,
            reason: reason.into(),
            message: message.into(),
            since: None,
        };
        let mut baseline = Baseline::new("baseline", BaselineSpec::default());
        baseline.spec.intercept.services = vec!["coming".into()];
        baseline.status = Some(BaselineStatus {
            services: vec![
                state("package", Interception::Intercepted, "", ""),
                state("delivery", Interception::Plain, "", ""),
                state("coming", Interception::Plain, "", ""),
                state("db", Interception::Refused, "Headless", "it is headless"),
                state(
                    "web",
                    Interception::Contended,
                    "TakenBack",
                    "`argocd` keeps taking it back",
                ),
            ],
            ..BaselineStatus::default()
        });
        baseline
    }

    fn identity(engine: &'static str) -> Identity {
        Identity {
            engine,
            context: String::new(),
            server: String::new(),
            namespace: String::new(),
        }
    }

    fn failure(service: &str) -> (String, String) {
        let error = check_service(&identity(Identity::KUBE), &baseline(), "shop", service).unwrap_err();
        assert_eq!(error.exit().code(), 1);
        let hint = error.hint().unwrap();
        (
            error.to_string(),
            format!("{}|{}", hint.text, hint.block.unwrap_or_default()),
        )
    }

    #[test]
    fn an_intercepted_service_and_one_on_the_way_will_do() {
        assert!(check_service(&identity(Identity::KUBE), &baseline(), "shop", "package").is_ok());
        assert!(check_service(&identity(Identity::KUBE), &baseline(), "shop", "coming").is_ok());
    }

    #[test]
    fn others_are_refused_with_reason_and_way_out() {
        let (message, hint) = failure("pakage");
        assert_eq!(message, "baseline shop has no service `pakage`");
        assert!(hint.starts_with("did you mean `package`?"), "{hint}");
        let (message, hint) = failure("delivery");
        assert_eq!(
            message,
            "requests for `delivery` do not pass the router of baseline shop: it is plain (nothing asks for its interception)"
        );
        assert_eq!(
            hint,
            "an admin can change that|devspace baseline enable delivery -b shop"
        );
        let (message, _) = failure("db");
        assert_eq!(
            message,
            "requests for `db` do not pass the router of baseline shop: it is refused (it is headless)"
        );
        assert!(
            failure("web")
                .0
                .ends_with("it is contended (`argocd` keeps taking it back)")
        );
        let local = check_service(&identity(Identity::LOCAL), &baseline(), "shop", "zzz").unwrap_err();
        assert_eq!(
            local.hint().unwrap().block.as_deref(),
            Some("devspace local start")
        );
        assert_eq!(
            failure("zzz").1,
            "its services are package, delivery, coming, db, web|"
        );
    }
}
