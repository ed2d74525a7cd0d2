//! The three objects, by the API.

use std::fmt::Debug;
use std::time::Duration;

use devspace_api::names::CLI_MANAGER;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::utils::Backoff;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Kube;
use super::faults::{APPLY, LIST, READ, WATCH, attempt, fault, watch_fault};
use crate::engine::{At, Attempt, EngineError, Store};

/// Delays between tries of a watch: short at first, since the rights in a new space come within milliseconds.
#[derive(Debug, Clone)]
struct Retry {
    next: Duration,
}

impl Retry {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);
}

impl Iterator for Retry {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = self.next;
        self.next = (now * 2).min(Self::LONGEST);
        Some(now)
    }
}

impl Backoff for Retry {
    fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

fn of<K: Resource<DynamicType = ()>>(
    verbs: &'static [&'static str],
    namespace: &str,
    name: Option<&str>,
) -> Box<Attempt> {
    attempt(verbs, &K::group(&()), &K::plural(&()), Some(namespace), name)
}

impl<K> Store<K> for Kube
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    fn get<'a>(&'a self, at: &'a At) -> BoxFuture<'a, Result<Option<K>, EngineError>> {
        async move {
            let api: Api<K> = Api::namespaced(self.client.clone(), &at.namespace);
            match fault(
                self,
                api.get(&at.name).await,
                of::<K>(READ, &at.namespace, Some(&at.name)),
            )
            .await
            {
                Err(EngineError::NotFound { .. }) => Ok(None),
                result => result.map(Some),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<K>, EngineError>> {
        async move {
            let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
            let list = api.list(&ListParams::default()).await;
            Ok(fault(self, list, of::<K>(LIST, namespace, None)).await?.items)
        }
        .boxed()
    }

    fn apply<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>> {
        async move {
            let api: Api<K> = Api::namespaced(self.client.clone(), &at.namespace);
            // The spec is ours alone: whoever edited it by hand meant to change what the folder says.
            let params = PatchParams::apply(CLI_MANAGER).force();
            let applied = api.patch(&at.name, &params, &Patch::Apply(&object)).await;
            fault(self, applied, of::<K>(APPLY, &at.namespace, Some(&at.name))).await
        }
        .boxed()
    }

    fn put<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>> {
        async move {
            let api: Api<K> = Api::namespaced(self.client.clone(), &at.namespace);
            let params = PostParams {
                field_manager: Some(CLI_MANAGER.to_owned()),
                ..PostParams::default()
            };
            if object.meta().resource_version.is_some() {
                let replaced = api.replace(&at.name, &params, &object).await;
                fault(
                    self,
                    replaced,
                    of::<K>(&["update"], &at.namespace, Some(&at.name)),
                )
                .await
            } else {
                let created = api.create(&params, &object).await;
                fault(self, created, of::<K>(&["create"], &at.namespace, Some(&at.name))).await
            }
        }
        .boxed()
    }

    fn delete<'a>(&'a self, at: &'a At) -> BoxFuture<'a, Result<bool, EngineError>> {
        async move {
            let api: Api<K> = Api::namespaced(self.client.clone(), &at.namespace);
            let deleted = api.delete(&at.name, &DeleteParams::default()).await;
            match fault(self, deleted, of::<K>(&["delete"], &at.namespace, Some(&at.name))).await {
                Ok(_) => Ok(true),
                Err(EngineError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn watch(&self, at: &At) -> BoxStream<'static, Result<Option<K>, EngineError>> {
        let api: Api<K> = Api::namespaced(self.client.clone(), &at.namespace);
        let (kube, asked) = (self.clone(), of::<K>(WATCH, &at.namespace, Some(&at.name)));
        watcher::watch_object(api, &at.name)
            .backoff(Retry { next: Retry::FIRST })
            .map(move |seen| seen.map_err(|error| watch_fault(&kube, error, &asked)))
            .boxed()
    }
}
