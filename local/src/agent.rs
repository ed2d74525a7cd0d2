//! `devspace local agent`: the agent's library in a process of its own, for one service or copy.
//!
//! It is the leader of a session and the subreaper of all it starts, so that nothing of a program is lost sight of.
//! It ends when its standard input does: the daemon holds the other end.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use devspace_agent::environment::{Environment, EnvironmentError};
use devspace_agent::run::{Listeners, run};
use devspace_sync::store::StoreError;
use rustix::process::{getpid, set_child_subreaper, setsid};
use tokio::io::AsyncReadExt;
use tokio::net::UnixListener;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The variable that names the socket of the agent's control.
pub(crate) const CONTROL_VARIABLE: &str = "DEVSPACE_CONTROL_SOCKET";
/// The variable that names the socket of the agent's readiness.
pub(crate) const READY_VARIABLE: &str = "DEVSPACE_READY_SOCKET";

/// Why an agent ends.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It was not started by the daemon.
    #[error("`devspace local agent` is started by `devspace local serve`: {0} is not set")]
    NotByDaemon(&'static str),
    /// Its standard input is no pipe of the daemon.
    #[error("`devspace local agent` is started by `devspace local serve`: its standard input is no pipe")]
    Stdin(#[source] io::Error),
    /// A variable of the daemon is wrong.
    #[error("the agent's environment is wrong")]
    Environment(#[from] EnvironmentError),
    /// A socket cannot be made.
    #[error("the socket {} cannot be made", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process cannot be set up.
    #[error("the agent's process cannot be set up")]
    Process(#[source] io::Error),
    /// The daemon closed its end: it was killed, or has lost sight of this agent. Not an end that was asked for.
    #[error("the daemon is gone: standard input has ended")]
    DaemonGone,
    /// The copy's folder cannot be used.
    #[error("the copy's folder cannot be used")]
    Store(#[from] StoreError),
}

/// Runs an agent by the `DEVSPACE_` variables of this process until it gets SIGTERM or its standard input ends.
///
/// # Errors
/// [`AgentError`] names the step. Only SIGTERM ends it well.
pub async fn agent() -> Result<(), AgentError> {
    let socket = |name| {
        let path = std::env::var_os(name).filter(|path| !path.is_empty());
        path.map(PathBuf::from).ok_or(AgentError::NotByDaemon(name))
    };
    let (control, ready) = (socket(CONTROL_VARIABLE)?, socket(READY_VARIABLE)?);
    let environment = Environment::from_variables(std::env::vars_os())?;
    // A process that leads a group already leads its session or cannot; both are told apart by nobody but `stop`.
    if let Err(error) = setsid() {
        tracing::debug!(%error, "the agent stays in its session");
    }
    set_child_subreaper(Some(getpid())).map_err(|error| AgentError::Process(error.into()))?;
    let listeners = Listeners {
        control: bind(&control)?.into(),
        ready: bind(&ready)?.into(),
    };
    let daemon = daemon_pipe().map_err(AgentError::Stdin)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(AgentError::Process)?;
    let cancel = CancellationToken::new();
    let stop = async {
        let asked = tokio::select! {
            _ = terminate.recv() => true,
            () = closed(daemon) => false,
            // The work has ended by itself, with an error: nobody has to be waited for.
            () = cancel.cancelled() => true,
        };
        cancel.cancel();
        asked
    };
    let work = async {
        let ran = run(environment, listeners, tokio::io::stdout(), cancel.clone()).await;
        cancel.cancel();
        ran
    };
    let (ran, asked) = tokio::join!(work, stop);
    ran?;
    if asked {
        Ok(())
    } else {
        Err(AgentError::DaemonGone)
    }
}

/// Standard input as a pipe that is waited on without a thread: a thread that reads would keep the process from ending.
fn daemon_pipe() -> io::Result<pipe::Receiver> {
    let own = io::stdin().as_fd().try_clone_to_owned()?;
    pipe::Receiver::from_owned_fd(own)
}

async fn closed(mut daemon: pipe::Receiver) {
    let mut nothing = [0; 64];
    // The daemon writes nothing; whatever ends the reading is its end.
    while daemon.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
}

fn bind(path: &Path) -> Result<UnixListener, AgentError> {
    crate::files::remove(path);
    UnixListener::bind(path).map_err(|source| AgentError::Socket {
        path: path.to_owned(),
        source,
    })
}
