//! The ConfigMap that tells a CLI which baselines and hosts exist.

use devspace_api::names::{DISCOVERY_NAME, DISCOVERY_NAMESPACE, Discovery, MANAGED_BY, MANAGER};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::{RequestError, as_manager, code};

/// Writes a baseline's entry. An entry that is as it should be is not written again.
pub(super) async fn publish(client: &Client, namespace: &str, entry: &Discovery) -> Result<(), RequestError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), DISCOVERY_NAMESPACE);
    let text = json!(entry).to_string();
    let live = api
        .get_opt(DISCOVERY_NAME)
        .await
        .map_err(|source| failed("get", source))?;
    match live {
        Some(live) if live.data.as_ref().and_then(|data| data.get(namespace)) == Some(&text) => Ok(()),
        Some(_) => patch(&api, namespace, &json!(text)).await,
        None => {
            let labels = [(MANAGED_BY.to_owned(), MANAGER.to_owned())];
            let mut map = ConfigMap {
                data: Some([(namespace.to_owned(), text.clone())].into()),
                ..ConfigMap::default()
            };
            map.metadata.name = Some(DISCOVERY_NAME.to_owned());
            map.metadata.labels = Some(labels.into());
            match api.create(&PostParams::default(), &map).await {
                Ok(_) => Ok(()),
                Err(error) if code(&error) == Some(409) => patch(&api, namespace, &json!(text)).await,
                Err(source) => Err(failed("create", source)),
            }
        }
    }
}

/// Takes a baseline's entry off.
pub(super) async fn withdraw(client: &Client, namespace: &str) -> Result<(), RequestError> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), DISCOVERY_NAMESPACE);
    match patch(&api, namespace, &Value::Null).await {
        Err(error) if error.code() == Some(404) => Ok(()),
        outcome => outcome,
    }
}

/// One key per baseline, so a merge patch of one never touches another's.
async fn patch(api: &Api<ConfigMap>, namespace: &str, value: &Value) -> Result<(), RequestError> {
    let body = json!({ "data": { namespace: value } });
    let patched = api
        .patch(DISCOVERY_NAME, &as_manager(), &Patch::Merge(&body))
        .await;
    patched.map(|_| ()).map_err(|source| failed("patch", source))
}

fn failed(verb: &'static str, source: kube::Error) -> RequestError {
    RequestError::new(
        verb,
        format!("ConfigMap {DISCOVERY_NAMESPACE}/{DISCOVERY_NAME}"),
        source,
    )
}
