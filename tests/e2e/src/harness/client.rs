//! The client pod, from the test's side. It is reached through the API server, so that a test needs no way into the
//! pod network.

use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use serde_json::json;

use super::{Scope, objects, traffic, wait};
use crate::wire::{Plan, Report, Request, Response};

const PORT: u16 = 9000;

/// The image of everything that tests run in pods.
pub const IMAGE: &str = "devspace.test/e2e:dev";

/// A pod that makes load and sends requests.
pub struct ClientPod {
    client: Client,
    namespace: String,
}

impl ClientPod {
    /// Starts one in a namespace of its own.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn start(scope: &Scope) -> Result<Self> {
        let namespace = scope.namespace("client").await?;
        let client = scope.cluster.client.clone();
        let metadata = json!({"name": "client", "namespace": namespace, "labels": {"app": "client"}});
        let container = json!({
            "name": "client", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "args": ["client"],
            "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
        });
        let spec = json!({"containers": [container], "terminationGracePeriodSeconds": 0});
        objects::apply(
            &client,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
        )
        .await?;
        let api = kube::Api::namespaced(client.clone(), &namespace);
        let ready = |pod: Option<&k8s_openapi::api::core::v1::Pod>| pod.is_some_and(objects::is_ready);
        wait::object(
            api,
            "client",
            Duration::from_secs(60),
            "the client pod is ready",
            ready,
        )
        .await?;
        Ok(Self { client, namespace })
    }

    /// Starts load, and waits until each target has had its first responses. Each target must answer once before:
    /// kube-proxy may take a second to know a Service that was just made.
    ///
    /// # Errors
    /// A target cannot be reached, or the pod does not answer.
    pub async fn start_load(&self, plan: &Plan) -> Result<()> {
        for target in &plan.targets {
            let limit = Duration::from_secs(20);
            wait::until(limit, "each target answers once", async || {
                self.request(&target.request).await
            })
            .await?;
        }
        self.call("POST", "load", serde_json::to_vec(plan)?).await?;
        self.after(plan.targets.len() as u64).await
    }

    /// What the load has seen so far. Asks again while the API server is away.
    ///
    /// # Errors
    /// The pod does not answer.
    pub async fn report(&self) -> Result<Report> {
        wait::until(Duration::from_secs(30), "the client pod reports", async || {
            Ok(serde_json::from_str(
                &self.call("GET", "load", Vec::new()).await?,
            )?)
        })
        .await
    }

    /// Waits until each target has ended this many requests more than now.
    ///
    /// # Errors
    /// It does not get there within a minute.
    pub async fn after(&self, requests: u64) -> Result<()> {
        let done = |report: &Report| {
            report
                .targets
                .iter()
                .map(|one| one.done)
                .min()
                .unwrap_or_default()
        };
        let wanted = done(&self.report().await?) + requests;
        wait::until(Duration::from_secs(60), "the load goes on", async || {
            let now = done(&self.report().await?);
            anyhow::ensure!(now >= wanted, "{now} requests of {wanted}");
            Ok(())
        })
        .await
    }

    /// Ends the load, prints its counts, and holds it to the rule that nothing fails and the rate is reached.
    ///
    /// # Errors
    /// A request failed, or less than 90 % of the asked load was reached.
    pub async fn stop_load(&self, scope: &Scope) -> Result<Report> {
        let report = self.end_load(scope).await?;
        traffic::hold_to_rule(&report)?;
        Ok(report)
    }

    /// Ends the load and prints its counts.
    ///
    /// # Errors
    /// The pod does not answer.
    pub async fn end_load(&self, scope: &Scope) -> Result<Report> {
        let report: Report = serde_json::from_str(&self.call("DELETE", "load", Vec::new()).await?)?;
        traffic::print(scope, &report);
        Ok(report)
    }

    /// Sends one request from the pod. A response with any status is an answer.
    ///
    /// # Errors
    /// There was no response.
    pub async fn request(&self, request: &Request) -> Result<Response> {
        let text = self.call("POST", "request", serde_json::to_vec(request)?).await;
        let text = text.with_context(|| format!("no response to {request:?}"))?;
        Ok(serde_json::from_str(&text)?)
    }

    async fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<String> {
        let uri = format!(
            "/api/v1/namespaces/{}/pods/client:{PORT}/proxy/{path}",
            self.namespace
        );
        let request = http::Request::builder().method(method).uri(uri).body(body)?;
        Ok(self.client.request_text(request).await?)
    }
}
