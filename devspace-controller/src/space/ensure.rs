//! The personal namespace and what stands in it.

use devspace_api::names::MANAGER;
use devspace_plan::space::{self as plan, QUOTA_NAME, SpaceIdentity};
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use super::status::{Refusal, Seen};
use super::{SpaceError, objects};

/// Makes the personal namespace and what stands in it. Returns its name, or why there is none yet.
pub(super) async fn ensure(
    seen: &Seen<'_>,
    identity: &SpaceIdentity<'_>,
    client: &Client,
) -> Result<Result<String, Refusal>, SpaceError> {
    let limits = seen
        .baseline
        .map(|baseline| baseline.spec.limits.clone())
        .unwrap_or_default();
    let wanted = plan::namespace(identity, &seen.space.spec, &limits);
    let name = wanted.name_any();
    let api: Api<Namespace> = Api::all(client.clone());
    let found = api.get_opt(&name).await;
    let found = found.map_err(|source| SpaceError::Read {
        what: "the personal namespace",
        source,
    })?;
    let found = match found {
        Some(found) => found,
        None => match create(&api, &wanted).await? {
            Some(made) => made,
            // Somebody made it in between; its arrival wakes this Space again.
            None => return Ok(Err(taken(&name))),
        },
    };
    if !plan::belongs_to(&found, identity) {
        return Ok(Err(taken(&name)));
    }
    if found.meta().deletion_timestamp.is_some() {
        let message = format!("namespace {name} is being deleted; it is made again when it is gone");
        return Ok(Err(Refusal {
            reason: "NamespaceTerminating",
            message,
        }));
    }
    keep_labels(&api, &found, &wanted).await?;
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), &name);
    let binding = plan::role_binding(identity, &seen.space.spec);
    let (bound, limited) = tokio::join!(
        objects::apply(&bindings, &binding),
        quota(identity, &limits, client, &name)
    );
    bound.map_err(|source| SpaceError::Write {
        what: "the owner's RoleBinding",
        source,
    })?;
    limited?;
    Ok(Ok(name))
}

fn taken(name: &str) -> Refusal {
    let message = format!("namespace {name} exists and was not made for this space; it is never taken over");
    Refusal {
        reason: "NamespaceTaken",
        message,
    }
}

/// Creates the namespace; `None` where it exists.
async fn create(api: &Api<Namespace>, wanted: &Namespace) -> Result<Option<Namespace>, SpaceError> {
    let parameters = PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&parameters, wanted).await {
        Ok(made) => Ok(Some(made)),
        Err(error) if objects::has_code(&error, 409) => Ok(None),
        Err(source) => Err(SpaceError::Write {
            what: "the personal namespace",
            source,
        }),
    }
}

/// Puts back labels that are missing or wrong: routers and copies find the namespace by them.
async fn keep_labels(api: &Api<Namespace>, found: &Namespace, wanted: &Namespace) -> Result<(), SpaceError> {
    let is_kept = |(key, value): (&String, &String)| found.labels().get(key) == Some(value);
    if wanted.labels().iter().all(is_kept) {
        return Ok(());
    }
    let body = json!({ "metadata": { "uid": found.uid(), "labels": wanted.labels() } });
    let patched = api
        .patch(&found.name_any(), &PatchParams::default(), &Patch::Merge(body))
        .await;
    patched.map(drop).map_err(|source| SpaceError::Write {
        what: "the personal namespace's labels",
        source,
    })
}

async fn quota(
    identity: &SpaceIdentity<'_>,
    limits: &devspace_api::baseline::SpaceLimits,
    client: &Client,
    namespace: &str,
) -> Result<(), SpaceError> {
    let api: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    match plan::resource_quota(identity, limits) {
        Some(quota) => {
            let applied = objects::apply(&api, &quota).await;
            applied.map(drop).map_err(|source| SpaceError::Write {
                what: "the ResourceQuota",
                source,
            })
        }
        None => {
            let deleted = objects::delete(&api, QUOTA_NAME, None).await;
            deleted.map_err(|source| SpaceError::Delete {
                what: "the ResourceQuota",
                source,
            })
        }
    }
}
