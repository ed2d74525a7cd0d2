//! The three objects, by the daemon.

use std::fmt::Debug;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use hyper::Method;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Local;
use super::request::{Ask, json, path};
use super::watch::watch;
use crate::engine::{At, Attempt, EngineError, Store};

/// What is done to an object, in the words of errors.
fn of<K: Resource<DynamicType = ()>>(verbs: &'static [&'static str], at: &At) -> Option<Box<Attempt>> {
    Some(Box::new(Attempt {
        verbs,
        group: K::group(&()).into_owned(),
        resource: K::plural(&()).into_owned(),
        namespace: Some(at.namespace.clone()),
        name: Some(at.name.clone()),
    }))
}

/// The object's address.
fn at_path<K: Resource<DynamicType = ()>>(at: &At) -> String {
    path(&[&K::plural(&()), &at.namespace, &at.name])
}

impl<K> Store<K> for Local
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
            let asked = of::<K>(&["get"], at);
            match json(&self.client, Method::GET, &at_path::<K>(at), None::<&()>, asked).await {
                Err(EngineError::NotFound { .. }) => Ok(None),
                result => result.map(Some),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<K>, EngineError>> {
        async move {
            let path = path(&[&K::plural(&()), namespace]);
            json(&self.client, Method::GET, &path, None::<&()>, None).await
        }
        .boxed()
    }

    fn apply<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>> {
        async move {
            let asked = of::<K>(&["patch"], at);
            json(
                &self.client,
                Method::PATCH,
                &at_path::<K>(at),
                Some(&object),
                asked,
            )
            .await
        }
        .boxed()
    }

    fn put<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>> {
        async move {
            let asked = of::<K>(&["update"], at);
            json(&self.client, Method::PUT, &at_path::<K>(at), Some(&object), asked).await
        }
        .boxed()
    }

    fn delete<'a>(&'a self, at: &'a At) -> BoxFuture<'a, Result<bool, EngineError>> {
        async move {
            let ask = Ask {
                method: Method::DELETE,
                path: &at_path::<K>(at),
                upgrade: None,
                body: None,
                attempt: of::<K>(&["delete"], at),
            };
            match self.client.send(ask).await {
                Ok(_) => Ok(true),
                Err(EngineError::NotFound { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn watch(&self, at: &At) -> BoxStream<'static, Result<Option<K>, EngineError>> {
        watch(self.client.clone(), format!("{}/watch", at_path::<K>(at)))
    }
}
