//! One test's share of the cluster: its namespaces, which are removed after it, and what it says when it fails.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::gate::Gate;
use super::{Cluster, diagnose, objects, product, say, wait};

/// Label on every namespace that a test makes.
pub const LABEL: &str = "devspace.test/scope";

/// The longest that one test may take.
const LIMIT: Duration = Duration::from_secs(360);

/// One test's share of the cluster.
pub struct Scope {
    /// The cluster.
    pub cluster: Cluster,
    test: String,
    namespaces: Mutex<Vec<String>>,
    began: Instant,
}

/// Runs a test on the cluster with the product installed. Its namespaces are removed whatever becomes of it.
/// Where no cluster can be, it says so and passes; in CI that is a failure.
///
/// # Errors
/// What the test says, or that it panicked or took too long.
pub async fn run(test: &str, gate: Gate, body: impl AsyncFnOnce(&Scope) -> Result<()>) -> Result<()> {
    let cluster = match Cluster::connect().await? {
        Ok(cluster) => cluster,
        Err(reason) => {
            say(format!("skipped: {reason}"));
            return Ok(());
        }
    };
    let _held = gate.enter().await;
    product::installed(&cluster)
        .await
        .context("cannot install the product")?;
    let scope = Scope {
        cluster,
        test: test.to_owned(),
        namespaces: Mutex::default(),
        began: Instant::now(),
    };
    let result = AssertUnwindSafe(tokio::time::timeout(LIMIT, body(&scope)))
        .catch_unwind()
        .await;
    let result = match result {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(anyhow!("the test took longer than {LIMIT:?}")),
        Err(panic) => Err(anyhow!("the test panicked: {}", panic_text(panic.as_ref()))),
    };
    if let Err(error) = &result {
        say(format!("{test} failed: {error:#}"));
        diagnose::print(&scope).await;
    }
    scope.remove().await;
    say(format!("{test}: {:.1} s", scope.began.elapsed().as_secs_f64()));
    result
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

impl Scope {
    /// Makes a namespace whose name begins with `e2e-` and this word.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn namespace(&self, word: &str) -> Result<String> {
        let nonce = super::nonce();
        let name = format!("e2e-{word}-{}", nonce.get(..7).unwrap_or(&nonce));
        self.namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.clone());
        let labels = json!({LABEL: self.test.get(..self.test.len().min(63)).unwrap_or_default()});
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}});
        objects::apply(&self.cluster.client, object).await?;
        // A pod is refused before its namespace has this ServiceAccount.
        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> =
            Api::namespaced(self.cluster.client.clone(), &name);
        let there = kube::runtime::conditions::is_created();
        wait::object(
            accounts,
            "default",
            Duration::from_secs(20),
            "the namespace has its ServiceAccount",
            there,
        )
        .await?;
        Ok(name)
    }

    /// The namespaces made so far.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Prints one line with the time since the test began.
    pub fn say(&self, line: impl AsRef<str>) {
        say(format!(
            "  [{:6.2} s] {}",
            self.began.elapsed().as_secs_f64(),
            line.as_ref()
        ));
    }

    /// Starts the removal of the namespaces. The cluster goes on with it while other tests run; the test that
    /// uninstalls the product sees that all are gone.
    async fn remove(&self) {
        let api: Api<Namespace> = Api::all(self.cluster.client.clone());
        for name in self.namespaces() {
            if let Err(error) = api.delete(&name, &DeleteParams::background()).await {
                say(format!("cannot delete namespace {name}: {error}"));
            }
        }
    }
}

/// Removes what earlier runs left, and waits until it is gone.
///
/// # Errors
/// It does not go.
pub async fn sweep(cluster: &Cluster) -> Result<()> {
    let api: Api<Namespace> = Api::all(cluster.client.clone());
    let left = ListParams::default().labels(LABEL);
    for namespace in api.list(&left).await?.items {
        if namespace.metadata.deletion_timestamp.is_none() {
            let name = namespace.metadata.name.unwrap_or_default();
            api.delete(&name, &DeleteParams::background()).await.map(drop)?;
        }
    }
    wait::until(
        Duration::from_secs(120),
        "namespaces of earlier tests are gone",
        async || {
            let names: Vec<_> = api
                .list(&left)
                .await?
                .items
                .into_iter()
                .filter_map(|one| one.metadata.name)
                .collect();
            anyhow::ensure!(names.is_empty(), "still there: {}", names.join(", "));
            Ok(())
        },
    )
    .await
}
