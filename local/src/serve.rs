//! The daemon: from its lock to the last process.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use devspace_agent::reap::Children;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::daemon::{Daemon, Shared};
use crate::home::{Home, HomeError};
use crate::protocol::{self, PROTOCOL};
use crate::reach::Reaches;
use crate::settings::Settings;
use crate::store::Store;
use crate::{api, files, leftover, strays};

/// Why the daemon ends, or does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another daemon has the state folder.
    #[error("the local engine runs already (pid {pid}); `devspace local status` shows it")]
    Running {
        /// Its process; 0 where it cannot be told.
        pid: u32,
    },
    /// The state folder cannot be used.
    #[error(transparent)]
    Home(HomeError),
    /// The socket cannot be made.
    #[error("the socket {} cannot be made", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process cannot be set up: signals, or becoming the parent of orphans.
    #[error("the daemon's process cannot be set up")]
    Process(#[source] io::Error),
    /// The description of the daemon cannot be written.
    #[error("the state folder cannot be written; is the disk full?")]
    Write(#[source] io::Error),
    /// Processes could not be ended.
    #[error("these processes did not end: {0:?}; end them with `kill -9`")]
    Left(Vec<u32>),
}

impl From<HomeError> for ServeError {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::Running { pid } => Self::Running { pid },
            error => Self::Home(error),
        }
    }
}

/// Runs the daemon until it is asked to stop, by the socket, SIGTERM or SIGINT; then everything that it started has
/// ended, and the socket's file is gone.
///
/// # Errors
/// [`ServeError`]; [`ServeError::Running`] where another daemon has the state folder.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let (home, lock) = Home::open(&settings.state)?;
    strays::inherit().map_err(ServeError::Process)?;
    // Before anything starts: what an earlier daemon left may hold ports and folders.
    leftover::end_all(&home.processes()).await;
    empty_trash(&home);
    let stop = CancellationToken::new();
    let shared = Arc::new(Shared {
        store: Store::open(home.objects()),
        settings,
        home,
        children: Children::default(),
        reaches: Reaches::default(),
    });
    let daemon = Arc::new(Daemon::new(Arc::clone(&shared), stop.clone()));
    let listener = listen(&shared)?;
    let mut tasks = JoinSet::new();
    let children = shared.children.clone();
    tasks.spawn(async move {
        if let Err(error) = strays::tend(children).await {
            tracing::error!(%error, "processes that lose their agent are not ended before the stop");
        }
    });
    daemon.restore().await;
    tasks.spawn(api::serve(listener, Arc::clone(&daemon)));
    asked_to_stop(&stop).await.map_err(ServeError::Process)?;
    stop.cancel();
    daemon.end().await;
    let left = strays::end_all(&shared.children).await;
    // The last answers are out, or their callers see the end of the connection.
    tasks.shutdown().await;
    files::remove(&shared.home.daemon_file());
    files::remove(&shared.home.socket());
    drop(lock);
    if left.is_empty() {
        Ok(())
    } else {
        Err(ServeError::Left(left))
    }
}

/// Binds the socket in the place of the one that an earlier daemon left: the lock says that it is gone.
fn listen(shared: &Shared) -> Result<UnixListener, ServeError> {
    let path = shared.home.socket();
    files::remove(&path);
    let listener = UnixListener::bind(&path).map_err(|source| ServeError::Socket { path, source })?;
    let description = protocol::Daemon {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        state: shared.home.folder().to_owned(),
        user: shared.settings.user.clone(),
    };
    files::write_json(&shared.home.daemon_file(), &description).map_err(ServeError::Write)?;
    Ok(listener)
}

async fn asked_to_stop(stop: &CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = stop.cancelled() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Goes on with what an earlier daemon was removing.
fn empty_trash(home: &Home) {
    for folder in files::entries(&home.trash()) {
        tokio::task::spawn_blocking(move || {
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "a folder is not removed");
            }
        });
    }
}
