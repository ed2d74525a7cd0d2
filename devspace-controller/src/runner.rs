//! Starts the controllers while this process holds the lease.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::leader::{Election, TermEnd};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::{admin, baseline, copy, space};

/// How long controllers may take to finish the object in hand when a term ends.
const TERM_GRACE: Duration = Duration::from_secs(10);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the API server cannot be configured, the admin port cannot be bound, or a controller ends by itself.
pub(crate) async fn start(settings: Settings) -> anyhow::Result<()> {
    let shutdown = stop_signal()?;
    let client = Client::try_default().await.context("find the API server")?;
    let metrics = Metrics::new();
    let mut servers = JoinSet::new();
    let listener = tokio::net::TcpListener::bind(settings.admin)
        .await
        .context("bind the admin port")?;
    servers.spawn(admin::serve(
        listener,
        metrics.clone(),
        client.clone(),
        shutdown.clone(),
    ));
    tracing::info!(namespace = settings.namespace, identity = settings.identity, admin = %settings.admin, "started");
    let outcome = lead(client, settings, metrics, &shutdown).await;
    shutdown.cancel();
    while servers.join_next().await.is_some() {}
    outcome
}

/// A token that ends with SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let stop = token.clone();
    let mut watch = JoinSet::new();
    watch.spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.cancel();
    });
    // The watch ends with the process; it owns nothing.
    watch.detach_all();
    Ok(token)
}

/// Term after term: waits for the lease, runs the controllers, and starts again where the lease is lost.
async fn lead(
    client: Client,
    settings: Settings,
    metrics: Metrics,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut election = Election::new(client.clone(), &settings);
    while election.acquire(stop).await {
        metrics.leads(true);
        let term = stop.child_token();
        let context = Context::new(client.clone(), settings.clone(), metrics.clone(), term.clone());
        let mut controllers = controllers(Arc::new(context));
        // `None`: a controller ended first.
        let end = tokio::select! {
            end = election.hold(stop) => Some(end),
            _ = controllers.join_next() => None,
        };
        term.cancel();
        let drained = async { while controllers.join_next().await.is_some() {} };
        if tokio::time::timeout(TERM_GRACE, drained).await.is_err() {
            controllers.shutdown().await;
        }
        metrics.leads(false);
        match end {
            _ if stop.is_cancelled() => election.release().await,
            Some(TermEnd::Lost) => {}
            Some(TermEnd::Stopped) | None => anyhow::bail!("a controller ended by itself"),
        }
    }
    Ok(())
}

/// The controllers of one term. Each runs until the context's `shutdown` ends.
pub(crate) fn controllers(context: Arc<Context>) -> JoinSet<()> {
    let mut set = JoinSet::new();
    set.spawn(baseline::run(Arc::clone(&context)));
    set.spawn(space::run(Arc::clone(&context)));
    set.spawn(copy::run(context));
    set
}
