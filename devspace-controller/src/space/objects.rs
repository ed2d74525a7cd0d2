//! Reads and writes that the controllers of spaces and copies share.

use std::collections::BTreeMap;
use std::fmt::Debug;

use devspace_api::condition::{self, kind};
use devspace_api::names::{FINALIZER, MANAGER};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::events::EventType;
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Server-side apply with our one field manager. What we apply is ours, so other managers are overruled.
pub(crate) async fn apply<K>(api: &Api<K>, object: &K) -> kube::Result<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
{
    let parameters = PatchParams::apply(MANAGER).force();
    api.patch(&object.name_any(), &parameters, &Patch::Apply(object))
        .await
}

/// Writes the whole status of `object` by server-side apply: fields that `status` leaves out are removed.
pub(crate) async fn apply_status<K, S>(api: &Api<K>, object: &K, status: &S) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let name = object.name_any();
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        // An object of the same name that came after this one gets no status of this one.
        "metadata": { "name": name, "uid": object.uid() },
        "status": status,
    });
    api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body))
        .await
        .map(drop)
}

/// Puts our finalizer and `labels` on `object` in one patch, where they are missing.
pub(crate) async fn add_finalizer<K>(
    api: &Api<K>,
    object: &K,
    labels: Option<&BTreeMap<String, String>>,
) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let has_labels = labels
        .into_iter()
        .flatten()
        .all(|(key, value)| object.labels().get(key) == Some(value));
    if object.finalizers().iter().any(|name| name == FINALIZER) && has_labels {
        return Ok(());
    }
    let mut finalizers = object.finalizers().to_vec();
    if !finalizers.iter().any(|name| name == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
    // With the resourceVersion, so that a finalizer that somebody adds meanwhile is not lost.
    let body = json!({ "metadata": {
        "resourceVersion": object.resource_version(),
        "finalizers": finalizers,
        "labels": labels.cloned().unwrap_or_default(),
    }});
    api.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(body))
        .await
        .map(drop)
}

/// Takes our finalizer off `object`. An object that is gone has none.
pub(crate) async fn drop_finalizer<K>(api: &Api<K>, object: &K) -> kube::Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    if !object.finalizers().iter().any(|name| name == FINALIZER) {
        return Ok(());
    }
    let left: Vec<&String> = object
        .finalizers()
        .iter()
        .filter(|name| *name != FINALIZER)
        .collect();
    let body = json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": left } });
    let patched = api
        .patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(body))
        .await;
    absent_is_fine(patched.map(drop))
}

/// Deletes the object `name`, if it still has `uid`. One that is gone already is no error.
pub(crate) async fn delete<K>(api: &Api<K>, name: &str, uid: Option<String>) -> kube::Result<()>
where
    K: Clone + DeserializeOwned + Debug,
{
    let preconditions = uid.map(|uid| Preconditions {
        uid: Some(uid),
        resource_version: None,
    });
    let parameters = DeleteParams {
        preconditions,
        ..DeleteParams::background()
    };
    absent_is_fine(api.delete(name, &parameters).await.map(drop))
}

/// An answer of 404 as success.
pub(crate) fn absent_is_fine(result: kube::Result<()>) -> kube::Result<()> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other,
    }
}

/// Whether the API server answered with this HTTP status.
pub(crate) fn has_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}

/// The oldest of the objects of one kind, which is the one that counts where there should be only one.
pub(crate) fn oldest<K>(all: &[K]) -> Option<&K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let age = |object: &&K| (object.creation_timestamp(), object.name_any());
    all.iter()
        .filter(|object| object.meta().deletion_timestamp.is_none())
        .min_by_key(age)
}

/// A condition of now.
pub(crate) fn condition(
    type_: &str,
    status: bool,
    reason: &str,
    message: String,
    generation: Option<i64>,
) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: if status { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: Time(Timestamp::now()),
    }
}

/// What to tell people where the reason of `Ready` is another than it was.
pub(crate) fn news(old: &[Condition], new: &[Condition]) -> Option<(EventType, String, String)> {
    let now = condition::find(new, kind::READY)?;
    let before = condition::find(old, kind::READY);
    let same = before.is_some_and(|before| before.reason == now.reason && before.message == now.message);
    (!same).then(|| {
        (
            super::kind_of(&now.status),
            now.reason.clone(),
            now.message.clone(),
        )
    })
}
