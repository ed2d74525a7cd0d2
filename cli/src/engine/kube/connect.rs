//! From a kubeconfig to a client, as kubectl does it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::Kube;
use crate::engine::{EngineError, Identity};

/// How long a connection to the API server may take to come about. kubectl waits 30 seconds; a developer at a prompt
/// whose VPN is off should not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectOptions {
    /// Kubeconfig file. Unset: `$KUBECONFIG`, else `~/.kube/config`, else the service account of the pod that we run in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context. Unset: its current one.
    pub(crate) context: Option<String>,
}

/// Reads the kubeconfig and makes a client. No request is sent.
///
/// # Errors
/// [`EngineError`] for a kubeconfig that is missing or cannot be used, and for credentials that cannot be got.
pub(crate) async fn connect(options: ConnectOptions) -> Result<Kube, EngineError> {
    let (mut config, context) = match read(options.kubeconfig) {
        Ok(kubeconfig) => from_kubeconfig(kubeconfig, options.context).await?,
        Err(missing @ EngineError::NoConfig { .. }) => match Config::incluster() {
            Ok(config) => (config, "in-cluster".to_owned()),
            Err(_) => return Err(missing),
        },
        Err(error) => return Err(error),
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let identity = Identity {
        engine: Identity::KUBE,
        context: context.clone(),
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        namespace: config.default_namespace.clone(),
    };
    let client = Client::try_from(config).map_err(|error| EngineError::Credentials {
        context,
        source: Box::new(error),
    })?;
    Ok(Kube {
        client,
        identity: Arc::new(identity),
    })
}

fn read(file: Option<PathBuf>) -> Result<Kubeconfig, EngineError> {
    let read = match file {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    read.map_err(|error| match error {
        KubeconfigError::FindPath => EngineError::NoConfig {
            looked: "there is no home folder".to_owned(),
            local_runs: false,
        },
        KubeconfigError::ReadConfig(source, path) if source.kind() == std::io::ErrorKind::NotFound => {
            EngineError::NoConfig {
                looked: format!("{} does not exist", path.display()),
                local_runs: false,
            }
        }
        error => EngineError::Config(Box::new(error)),
    })
}

async fn from_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<String>,
) -> Result<(Config, String), EngineError> {
    let known: Vec<String> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect();
    let Some(context) = context
        .or_else(|| kubeconfig.current_context.clone())
        .filter(|name| !name.is_empty())
    else {
        return Err(EngineError::NoContext { known });
    };
    if !known.contains(&context) {
        return Err(EngineError::UnknownContext { context, known });
    }
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| EngineError::Config(Box::new(error)))?;
    Ok((config, context))
}
