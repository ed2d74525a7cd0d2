//! Derives a copy's objects and applies them.

use devspace_api::ServiceCopy;
use devspace_api::copy::CopyMode;
use devspace_api::names::{DERIVED_FROM_ANNOTATION, DERIVED_HASH_ANNOTATION, TEMPLATE_HASH_ANNOTATION};
use devspace_plan::copy::objects::{Owner, Provenance};
use devspace_plan::copy::workload::{Candidates, find};
use devspace_plan::copy::{self as plan, CopyContext, CopyRefusal, DerivedCopy, Workload};
use devspace_plan::mirror::{self, Mirrors, Reference, ReferenceKind, mirrored_name};
use devspace_plan::space::labels;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount};
use kube::api::PostParams;
use kube::{Api, Resource, ResourceExt};

use super::memory::{Ask, Made, Refusal};
use super::observe::{self, Observed, Place};
use super::{CopyError, Desk};
use crate::space::objects;

fn write(what: &'static str) -> impl Fn(kube::Error) -> CopyError {
    move |source| CopyError::Write { what, source }
}

fn refused(reason: &'static str, message: String) -> Refusal {
    Refusal {
        reason,
        message,
        waits: false,
    }
}

/// Makes of `copy` what can be made of it now.
pub(super) async fn make(copy: &ServiceCopy, desk: &Desk) -> Result<Made, CopyError> {
    let client = &desk.context.client;
    let place = match observe::place(copy, client).await? {
        Ok(place) => place,
        Err(refusal) => {
            return Ok(Made {
                refusal: Some(refusal),
                ..Made::default()
            });
        }
    };
    claim_as_ours(copy, &place, desk).await?;
    let outcome = Box::pin(make_in(copy, &place, desk)).await?;
    let (baseline, space) = (Some(place.baseline), place.space);
    Ok(match outcome {
        Ok(made) => Made {
            baseline,
            space,
            ..made
        },
        Err(refusal) => Made {
            refusal: Some(refusal),
            baseline,
            space,
            ..Made::default()
        },
    })
}

/// Our finalizer, and the labels by which routers find the ServiceCopy.
async fn claim_as_ours(copy: &ServiceCopy, place: &Place, desk: &Desk) -> Result<(), CopyError> {
    let uid = String::new();
    let identity = devspace_plan::space::SpaceIdentity {
        baseline: &place.baseline,
        name: &place.space,
        uid: &uid,
    };
    let mut wanted = labels(&identity);
    // The developer or their CLI made it, not we.
    wanted.retain(|key, _| key.starts_with("devspace.dev/"));
    let api: Api<ServiceCopy> =
        Api::namespaced(desk.context.client.clone(), &copy.namespace().unwrap_or_default());
    objects::add_finalizer(&api, copy, Some(&wanted))
        .await
        .map_err(write("the ServiceCopy's finalizer"))
}

async fn make_in(copy: &ServiceCopy, place: &Place, desk: &Desk) -> Result<Result<Made, Refusal>, CopyError> {
    let client = &desk.context.client;
    let name = &copy.spec.service;
    if copy.name_any() != *name {
        let message = format!("a ServiceCopy carries its service's name: {name}");
        return Ok(Err(refused("NameMismatch", message)));
    }
    let Some(seen) = Box::pin(observe::observe(copy, place, client)).await? else {
        return Ok(Err(refused(
            "NoBaseline",
            format!("namespace {} has no Baseline", place.baseline),
        )));
    };
    let Some(service) = seen.service(name) else {
        return Ok(Err(refused(
            "NoService",
            format!("the baseline has no Service {name}"),
        )));
    };
    let gateway = seen.gateway();
    if gateway.is_none() && copy.spec.mode == CopyMode::Agent {
        let message = format!("namespace {} has no gateway Service yet", place.baseline);
        return Ok(Err(Refusal {
            reason: "WaitingForGateway",
            message,
            waits: true,
        }));
    }
    let candidates = seen.candidates();
    let workload = match find(service, &candidates) {
        Ok(workload) => workload,
        Err(refusal) => return Ok(Err(refused(refusal.reason(), refusal.to_string()))),
    };
    let account = workload
        .template
        .spec
        .as_ref()
        .and_then(|pod| pod.service_account_name.clone());
    let account = account.unwrap_or_else(|| "default".to_owned());
    let account = observe::service_account(client, &place.baseline, &account).await?;
    let context = CopyContext {
        baseline_namespace: &place.baseline,
        space: &place.space,
        baseline: &seen.baseline.spec,
        service,
        services: &seen.services,
        selected_keys: &plan::selected_keys(&seen.services, &candidates),
        service_account: account.as_ref(),
        resolver: &desk
            .resolver
            .clone()
            .for_namespace(&desk.context.settings.namespace, &place.baseline),
        agent_image: &desk.context.settings.agent_image,
        gateway: gateway.as_deref().unwrap_or_default(),
        cache_claim: seen.cache_claim,
    };
    derive(copy, &seen, &workload, &context, desk).await
}

async fn derive(
    copy: &ServiceCopy,
    seen: &Observed,
    workload: &Workload,
    context: &CopyContext<'_>,
    desk: &Desk,
) -> Result<Result<Made, Refusal>, CopyError> {
    let refuse = |refusal: &CopyRefusal| refused(refusal.reason(), refusal.to_string());
    let derived = match plan::derive_copy(workload, &copy.spec, context) {
        Ok(derived) => derived,
        Err(refusal) => return Ok(Err(refuse(&refusal))),
    };
    let namespace = copy.namespace().unwrap_or_default();
    let Some(mut reference) = copy.controller_owner_ref(&()) else {
        return Ok(Err(refused(
            "NoIdentity",
            "the ServiceCopy has no UID".to_owned(),
        )));
    };
    // Deleting the ServiceCopy in the foreground must not wait for its objects: its finalizer does that.
    reference.block_owner_deletion = None;
    let owner = Owner {
        context,
        namespace: &namespace,
        service: &copy.spec.service,
        reference,
    };
    withdraw(&derived, seen, &owner, desk).await?;
    let sources = observe::sources(&desk.context.client, &derived.references, &seen.baseline).await?;
    let mirrors = match mirror::plan(&derived.references, &sources, &seen.baseline.spec.secrets, &owner) {
        Ok(mirrors) => mirrors,
        Err(refusal) => return Ok(Err(refused(refusal.reason(), refusal.to_string()))),
    };
    let provenance = Provenance {
        derived_from: Ask::of(copy).text(),
        template_hash: plan::template_hash(&workload.template),
    };
    let wanted = owner.deployment(&derived, &provenance);
    let drift = seen.current.as_ref().and_then(|current| drift(current, &wanted));
    apply(&owner, &derived, &mirrors, seen, desk).await?;
    let template_hash = match (&drift, &seen.current) {
        (Some(_), Some(current)) => current.annotations().get(TEMPLATE_HASH_ANNOTATION).cloned(),
        _ => {
            let api: Api<Deployment> = Api::namespaced(desk.context.client.clone(), &namespace);
            objects::apply(&api, &wanted)
                .await
                .map_err(write("the copy's Deployment"))?;
            Some(provenance.template_hash)
        }
    };
    let mut changes: Vec<String> = derived.changes.iter().map(ToString::to_string).collect();
    changes.extend(mirrors.left_out);
    Ok(Ok(Made {
        container_ports: derived.container_ports,
        command: derived.command,
        template_hash,
        changes,
        drift,
        ..Made::default()
    }))
}

/// Takes back mirrors of Secrets that the Baseline's policy keeps back by now.
async fn withdraw(
    derived: &DerivedCopy,
    seen: &Observed,
    owner: &Owner<'_>,
    desk: &Desk,
) -> Result<(), CopyError> {
    let api: Api<Secret> = Api::namespaced(desk.context.client.clone(), owner.namespace);
    let allowed = mirror::wanted(&derived.references, &seen.baseline.spec.secrets);
    let is_kept_back = |reference: &&Reference| {
        reference.kind == ReferenceKind::Secret
            && !allowed.contains(&(reference.kind, reference.name.clone()))
    };
    for reference in derived.references.iter().filter(is_kept_back) {
        let deleted = objects::delete(&api, &mirrored_name(owner.service, &reference.name), None).await;
        deleted.map_err(|source| CopyError::Delete {
            what: "a mirrored Secret",
            source,
        })?;
    }
    Ok(())
}

/// What has changed since the developer last asked, where the Deployment does not follow it:
/// a change of the baseline must not restart a program that somebody is working on.
fn drift(current: &Deployment, wanted: &Deployment) -> Option<String> {
    let same = |key: &str| current.annotations().get(key) == wanted.annotations().get(key);
    if !same(DERIVED_FROM_ANNOTATION) || same(DERIVED_HASH_ANNOTATION) {
        return None;
    }
    Some(if same(TEMPLATE_HASH_ANNOTATION) {
        "settings of the baseline have changed; the next `devspace up` takes them over".to_owned()
    } else {
        "the baseline's template has changed; the next `devspace up` takes it over".to_owned()
    })
}

/// Applies everything that the pod needs before it starts.
async fn apply(
    owner: &Owner<'_>,
    derived: &DerivedCopy,
    mirrors: &Mirrors,
    seen: &Observed,
    desk: &Desk,
) -> Result<(), CopyError> {
    let client = &desk.context.client;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), owner.namespace);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), owner.namespace);
    let services: Api<Service> = Api::namespaced(client.clone(), owner.namespace);
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), owner.namespace);
    let (service, account, env) = (
        owner.service(derived),
        owner.service_account(derived),
        owner.service_env(derived),
    );
    let claims = async {
        if seen.cache_claim && !seen.has_claim && needs_claim(derived) {
            create_claim(owner, desk).await?;
        }
        Ok(())
    };
    tokio::try_join!(
        async {
            objects::apply(&services, &service)
                .await
                .map_err(write("the copy's Service"))
        },
        async {
            objects::apply(&accounts, &account)
                .await
                .map_err(write("the copy's ServiceAccount"))
        },
        async {
            objects::apply(&maps, &env)
                .await
                .map_err(write("the variables of Services"))
        },
        futures::future::try_join_all(mirrors.config_maps.iter().map(|map| replace(
            &maps,
            map,
            "a mirrored ConfigMap"
        ))),
        futures::future::try_join_all(mirrors.secrets.iter().map(|secret| replace(
            &secrets,
            secret,
            "a mirrored Secret"
        ))),
        claims,
    )?;
    Ok(())
}

/// Whether the pod mounts the cache claim.
fn needs_claim(derived: &DerivedCopy) -> bool {
    let volumes = derived
        .template
        .spec
        .iter()
        .flat_map(|pod| pod.volumes.iter().flatten());
    volumes
        .into_iter()
        .any(|volume| volume.persistent_volume_claim.is_some())
}

/// A claim is only created: most of it cannot be changed, and it belongs to the space, not to the copy.
async fn create_claim(owner: &Owner<'_>, desk: &Desk) -> Result<(), CopyError> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(desk.context.client.clone(), owner.namespace);
    match api.create(&PostParams::default(), &owner.claim()).await {
        Err(error) if objects::has_code(&error, 409) => Ok(()),
        other => other.map(drop).map_err(write("the cache claim")),
    }
}

/// Applies a mirror. One that may not be changed (immutable, or another type of Secret) is made anew.
async fn replace<K>(api: &Api<K>, object: &K, what: &'static str) -> Result<(), CopyError>
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    match objects::apply(api, object).await {
        Err(error) if objects::has_code(&error, 422) => {
            let deleted = objects::delete(api, &object.name_any(), None).await;
            deleted.map_err(|source| CopyError::Delete { what, source })?;
            objects::apply(api, object).await.map(drop).map_err(write(what))
        }
        other => other.map(drop).map_err(write(what)),
    }
}

// === impl Observed ===

impl Observed {
    fn candidates(&self) -> Candidates<'_> {
        Candidates {
            deployments: &self.deployments,
            stateful_sets: &self.stateful_sets,
            daemon_sets: &self.daemon_sets,
            cron_jobs: &self.cron_jobs,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn deployment(from: &str, template: &str, derived: &str) -> Deployment {
        let pairs = [
            (DERIVED_FROM_ANNOTATION, from),
            (TEMPLATE_HASH_ANNOTATION, template),
            (DERIVED_HASH_ANNOTATION, derived),
        ];
        let annotations = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let metadata = ObjectMeta {
            annotations: Some(annotations),
            ..ObjectMeta::default()
        };
        Deployment {
            metadata,
            ..Deployment::default()
        }
    }

    #[test]
    fn a_change_of_the_baseline_is_drift_until_the_developer_asks_anew() {
        let current = deployment("ask-1", "t1", "d1");
        assert_eq!(drift(&current, &deployment("ask-1", "t1", "d1")), None);
        assert!(
            drift(&current, &deployment("ask-1", "t2", "d2")).is_some_and(|text| text.contains("template"))
        );
        assert!(
            drift(&current, &deployment("ask-1", "t1", "d2")).is_some_and(|text| text.contains("settings"))
        );
        assert_eq!(drift(&current, &deployment("ask-2", "t2", "d2")), None);
    }
}
