//! The engine `kube`: a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use devspace_api::names::{DISCOVERY_NAME, DISCOVERY_NAMESPACE, Discovery};
use devspace_api::{Baseline, ServiceCopy, Space};
use devspace_sync::session::Dial;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, Client};

use super::{CopyRef, Engine, EngineError, Exec, Identity, LogQuery, LogStream, Store};

mod connect;
mod dial;
mod exec;
mod faults;
mod pods;
pub(crate) mod services;
mod store;

pub(crate) use connect::{ConnectOptions, connect};

use faults::{READ, attempt, fault};

/// A cluster.
#[derive(Clone)]
pub(crate) struct Kube {
    client: Client,
    identity: Arc<Identity>,
}

impl Engine for Kube {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn user(&self) -> BoxFuture<'_, Result<String, EngineError>> {
        async {
            let api: Api<SelfSubjectReview> = Api::all(self.client.clone());
            let asked = attempt(
                &["create"],
                "authentication.k8s.io",
                "selfsubjectreviews",
                None,
                None,
            );
            let review = api
                .create(&PostParams::default(), &SelfSubjectReview::default())
                .await;
            let review = fault(self, review, asked).await?;
            let user = review
                .status
                .and_then(|status| status.user_info)
                .and_then(|info| info.username);
            Ok(user.unwrap_or_default())
        }
        .boxed()
    }

    fn discover(&self) -> BoxFuture<'_, Result<BTreeMap<String, Discovery>, EngineError>> {
        async {
            let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), DISCOVERY_NAMESPACE);
            let asked = attempt(
                READ,
                "",
                "configmaps",
                Some(DISCOVERY_NAMESPACE),
                Some(DISCOVERY_NAME),
            );
            let Some(map) = fault(self, api.get_opt(DISCOVERY_NAME).await, asked).await? else {
                return Ok(BTreeMap::new());
            };
            // An entry that a newer controller wrote in another form still names a baseline.
            let entry = |text: &str| serde_json::from_str(text).unwrap_or(Discovery { hosts: Vec::new() });
            Ok(map
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(name, text)| (name, entry(&text)))
                .collect())
        }
        .boxed()
    }

    fn baselines(&self) -> &dyn Store<Baseline> {
        self
    }

    fn spaces(&self) -> &dyn Store<Space> {
        self
    }

    fn copies(&self) -> &dyn Store<ServiceCopy> {
        self
    }

    fn dial(&self, copy: &CopyRef, port: u16) -> Arc<dyn Dial> {
        Arc::new(dial::PodDial::new(self.clone(), copy.clone(), port))
    }

    fn logs<'a>(
        &'a self,
        copy: &'a CopyRef,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<LogStream, EngineError>> {
        pods::logs(self, copy, query).boxed()
    }

    fn exec<'a>(
        &'a self,
        copy: &'a CopyRef,
        command: &'a [String],
        tty: bool,
    ) -> BoxFuture<'a, Result<Exec, EngineError>> {
        exec::exec(self, copy, command, tty).boxed()
    }

    fn cluster(&self) -> Option<&Kube> {
        Some(self)
    }

    fn troubles<'a>(&'a self, copy: &'a CopyRef) -> BoxFuture<'a, Result<Vec<String>, EngineError>> {
        pods::troubles(self, copy).boxed()
    }
}
