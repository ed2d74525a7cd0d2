//! The program `devspace-agent`: static, needs nothing of the image it runs in.

mod arguments;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use devspace_agent::environment::Environment;
use devspace_agent::reap::{Children, reap_orphans};
use devspace_agent::run::{Listeners, run};
use devspace_agent::{install, seed};
use devspace_core::ports::{AGENT_CONTROL, AGENT_READY};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use arguments::{Arguments, Verb};

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("DEVSPACE_AGENT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match work(Arguments::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the agent ends");
            ExitCode::FAILURE
        }
    }
}

fn work(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Run => runtime()?.block_on(serve()),
        Verb::Pause => runtime()?.block_on(pause()),
        Verb::Install { to, folders } => Ok(install::install(&to, &folders)?),
        Verb::Seed { from, to } => {
            let seeded = seed::seed(&from, &to)?;
            tracing::info!(?seeded, from = %from.display(), "the image was seeded");
            Ok(())
        }
        Verb::Version => {
            use std::io::Write;
            Ok(writeln!(
                std::io::stdout(),
                "devspace-agent {}",
                env!("CARGO_PKG_VERSION")
            )?)
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // One thread for everything that waits; files are read and written on the blocking pool.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

async fn serve() -> anyhow::Result<()> {
    let environment = Environment::from_variables(std::env::vars_os())?;
    let bind = async |address: Ipv4Addr, port: u16| {
        let address = SocketAddr::from((address, port));
        TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))
    };
    let listeners = Listeners {
        control: bind(Ipv4Addr::LOCALHOST, AGENT_CONTROL).await?.into(),
        ready: bind(Ipv4Addr::UNSPECIFIED, AGENT_READY).await?.into(),
    };
    let cancel = CancellationToken::new();
    let stop = async {
        let received = tokio::select! {
            received = terminated() => received,
            // The work has ended by itself, with an error: the container ends with it and tells it.
            () = cancel.cancelled() => Ok(()),
        };
        cancel.cancel();
        received
    };
    let work = async {
        let ran = run(environment, listeners, tokio::io::stdout(), cancel.clone()).await;
        cancel.cancel();
        ran
    };
    let (ran, received) = tokio::join!(work, stop);
    received?;
    Ok(ran?)
}

/// Keeps a container alive: reaps, and ends on SIGTERM at once.
async fn pause() -> anyhow::Result<()> {
    tokio::select! {
        ended = terminated() => ended,
        reaped = reap_orphans(Children::default()) => Ok(reaped?),
    }
}

async fn terminated() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
