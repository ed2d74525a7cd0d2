//! Small things every controller does with the API server.

use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

use devspace_api::names::MANAGER;

/// A request that failed, with what it was about.
#[derive(Debug, thiserror::Error)]
#[error("{verb} {what}")]
pub(crate) struct RequestError {
    verb: &'static str,
    what: String,
    #[source]
    source: kube::Error,
}

// === impl RequestError ===

impl RequestError {
    /// A request with `verb` about `what` that failed with `source`.
    pub(crate) fn new(verb: &'static str, what: impl Into<String>, source: kube::Error) -> Self {
        Self {
            verb,
            what: what.into(),
            source,
        }
    }

    /// The HTTP status that the API server answered with, if it answered.
    pub(crate) fn code(&self) -> Option<u16> {
        code(&self.source)
    }
}

/// The HTTP status that the API server answered with, if it answered.
pub(crate) fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// How our patches name themselves in `managedFields`.
pub(crate) fn as_manager() -> PatchParams {
    PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// All objects of a kind in a namespace, or those with `labels`.
pub(crate) async fn list<K>(
    client: &Client,
    namespace: &str,
    labels: Option<&str>,
) -> Result<Vec<K>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let params = labels
        .map(|labels| ListParams::default().labels(labels))
        .unwrap_or_default();
    let listed = api.list(&params).await;
    listed
        .map(|list| list.items)
        .map_err(|source| RequestError::new("list", K::plural(&()), source))
}

/// Applies an object that we own, server-side, by our one field manager. Fields of others at our fields are taken.
pub(crate) async fn apply<K>(api: &Api<K>, object: &K) -> Result<K, RequestError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Serialize,
{
    let name = object.meta().name.clone().unwrap_or_default();
    let params = PatchParams::apply(MANAGER).force();
    let applied = api.patch(&name, &params, &Patch::Apply(object)).await;
    applied.map_err(|source| RequestError::new("apply", format!("{} {name}", K::kind(&())), source))
}

/// Deletes an object. One that is not there counts as deleted.
pub(crate) async fn delete<K>(api: &Api<K>, name: &str) -> Result<(), RequestError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    match api.delete(name, &DeleteParams::background()).await {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(source) => Err(RequestError::new(
            "delete",
            format!("{} {name}", K::kind(&())),
            source,
        )),
    }
}
