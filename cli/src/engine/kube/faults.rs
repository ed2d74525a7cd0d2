//! From the client's errors to ours, by type. The text of a message decides nothing.

use std::error::Error;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use kube::core::Status;
use kube::runtime::watcher;

use super::Kube;
use crate::engine::{Attempt, EngineError};

/// Verbs of a single read.
pub(super) const READ: &[&str] = &["get"];
/// Verbs of a list.
pub(super) const LIST: &[&str] = &["list"];
/// Verbs of a watch.
pub(super) const WATCH: &[&str] = &["list", "watch"];
/// Verbs of server-side apply: it makes what is not there.
pub(super) const APPLY: &[&str] = &["create", "patch"];

/// An [`Attempt`].
pub(super) fn attempt(
    verbs: &'static [&'static str],
    group: &str,
    resource: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Box<Attempt> {
    Box::new(Attempt {
        verbs,
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    })
}

/// The result with our error. For a 403 the API server is asked whether the right is missing, since admission policies
/// refuse with the same code.
pub(super) async fn fault<T>(
    kube: &Kube,
    result: kube::Result<T>,
    attempt: Box<Attempt>,
) -> Result<T, EngineError> {
    let error = match result {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    Err(match error {
        kube::Error::Api(status) if status.code == 403 => {
            let message = status.message.clone();
            if allowed(kube, &attempt).await {
                EngineError::Denied { attempt, message }
            } else {
                EngineError::Forbidden { attempt, message }
            }
        }
        error => classify(kube, error, attempt),
    })
}

/// All but 403.
fn classify(kube: &Kube, error: kube::Error, attempt: Box<Attempt>) -> EngineError {
    let context = || kube.identity.context.clone();
    match error {
        kube::Error::Api(status) => api(kube, *status, attempt),
        error if is_caused_by::<kube::client::AuthError>(&error) => EngineError::Credentials {
            context: context(),
            source: Box::new(error),
        },
        error @ (kube::Error::Service(_) | kube::Error::HyperError(_)) => EngineError::Unreachable {
            server: kube.identity.server.clone(),
            source: Box::new(error),
        },
        error => EngineError::Request {
            attempt,
            source: Box::new(error),
        },
    }
}

/// What went wrong with a watch.
pub(super) fn watch_fault(kube: &Kube, error: watcher::Error, asked: &Attempt) -> EngineError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => classify(kube, error, Box::new(asked.clone())),
        error => EngineError::Request {
            attempt: Box::new(asked.clone()),
            source: Box::new(error),
        },
    }
}

fn api(kube: &Kube, status: Status, attempt: Box<Attempt>) -> EngineError {
    let details = status.details.as_ref();
    match status.code {
        401 => EngineError::Unauthorized {
            context: kube.identity.context.clone(),
        },
        403 => EngineError::Forbidden {
            attempt,
            message: status.message,
        },
        // An API path that does not exist names no object.
        404 if attempt.group == devspace_api::GROUP
            && details.is_none_or(|details| details.name.is_empty()) =>
        {
            EngineError::NotInstalled {
                resource: format!("{}.{}", attempt.resource, attempt.group),
            }
        }
        404 => EngineError::NotFound { attempt },
        409 => EngineError::Conflict { attempt },
        400 | 422 => EngineError::Denied {
            attempt,
            message: status.message,
        },
        _ => EngineError::Request {
            attempt,
            source: Box::new(kube::Error::Api(Box::new(status))),
        },
    }
}

/// Asks by SelfSubjectAccessReview. Unknown counts as not allowed: then the missing rule is named, which is the common case.
async fn allowed(kube: &Kube, attempt: &Attempt) -> bool {
    let api: Api<SelfSubjectAccessReview> = Api::all(kube.client.clone());
    let (resource, subresource) = match attempt.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (attempt.resource.as_str(), None),
    };
    for verb in attempt.verbs {
        let attributes = ResourceAttributes {
            verb: Some((*verb).to_owned()),
            group: Some(attempt.group.clone()),
            resource: Some(resource.to_owned()),
            subresource: subresource.map(str::to_owned),
            namespace: attempt.namespace.clone(),
            name: attempt.name.clone(),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..Default::default()
        };
        let review = SelfSubjectAccessReview {
            spec,
            ..SelfSubjectAccessReview::default()
        };
        match api.create(&PostParams::default(), &review).await {
            Ok(review) if review.status.as_ref().is_some_and(|status| status.allowed) => {}
            _ => return false,
        }
    }
    true
}

/// Whether an `E` lies anywhere under `error`.
fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        next = error.source();
    }
    false
}
