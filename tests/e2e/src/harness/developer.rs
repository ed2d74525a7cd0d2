//! A developer: a user with nothing but the Role that the chart has for developers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use serde_json::json;
use tempfile::TempDir;

use super::{Scope, cluster, objects};

/// A developer with a kubeconfig and a home folder of their own.
pub struct Developer {
    /// A client with the developer's token.
    pub client: kube::Client,
    /// The name by which the API server knows the developer.
    pub user: String,
    home: TempDir,
}

impl Developer {
    /// Makes a developer of this name who may use this baseline.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn new(scope: &Scope, baseline: &str, name: &str) -> Result<Self> {
        let developer = Self::without_rights(scope, name).await?;
        let (namespace, account) = developer.account()?;
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": format!("developer-{name}"), "namespace": baseline},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "devspace-developer"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        });
        objects::apply(&scope.cluster.client, binding).await?;
        Ok(developer)
    }

    /// Makes a user of this name with no rights at all.
    ///
    /// # Errors
    /// The API server refuses.
    pub async fn without_rights(scope: &Scope, name: &str) -> Result<Self> {
        let namespace = scope.namespace("people").await?;
        let metadata = json!({"name": name, "namespace": namespace});
        objects::apply(
            &scope.cluster.client,
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        )
        .await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(scope.cluster.client.clone(), &namespace);
        let spec = TokenRequestSpec {
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest {
            spec,
            ..TokenRequest::default()
        };
        let token = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await?;
        let token = token.status.context("the token request has no token")?.token;

        let home = tempfile::tempdir()?;
        let kubeconfig = with_token(scope.cluster.kubeconfig(), &token)?;
        let path = home.path().join("kubeconfig");
        std::fs::write(&path, serde_json::to_vec(&kubeconfig)?)?;
        let client = kube::Client::try_from(cluster::config(&path).await?)?;
        Ok(Self {
            client,
            user: format!("system:serviceaccount:{namespace}:{name}"),
            home,
        })
    }

    fn account(&self) -> Result<(&str, &str)> {
        let account = self
            .user
            .strip_prefix("system:serviceaccount:")
            .and_then(|rest| rest.split_once(':'));
        account.context("the developer is no ServiceAccount")
    }

    /// The developer's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.home.path().join("kubeconfig")
    }

    /// The developer's home folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// The admin's kubeconfig with a token in place of every user.
fn with_token(admin: &Path, token: &str) -> Result<serde_json::Value> {
    let file = Kubeconfig::read_from(admin)?;
    let cluster = file.clusters.first().context("the kubeconfig has no cluster")?;
    let mut server = serde_json::to_value(cluster)?;
    if let Some(name) = server.get_mut("name") {
        *name = "test".into();
    }
    Ok(json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [server],
        "users": [{"name": "developer", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "developer"}}],
    }))
}
