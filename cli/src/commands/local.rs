//! `devspace local`.

use std::path::{Path, PathBuf};

use devspace_local::protocol::WorkspaceState;
use devspace_local::serve::{ServeError, serve};
use devspace_local::settings::Settings;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::engine::state_folder;
use super::pump::pump;
use crate::args::{LocalCommand, LocalStartArgs};
use crate::engine::local::{connect, workspaces};
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::local::{LOG, Launch, LocalError, StartRequest, outcome, row, start, stop, workspace};
use crate::printer::{Row, Table};
use crate::project::WorkspaceFile;
use crate::report::{AnyReport, Hint, Report};
use crate::settings::EngineKind;

/// Runs one of the verbs.
pub(super) async fn run(invocation: &mut Invocation, command: LocalCommand) -> Result<Exit, AnyReport> {
    match command {
        LocalCommand::Start(args) => up(invocation, args).await,
        LocalCommand::Stop { timeout } => {
            let pid = stop(&state_folder()?, timeout).await?;
            invocation.printer.event(&Event::LocalStopped { pid })?;
            Ok(Exit::Ok)
        }
        LocalCommand::Status => status(invocation).await,
        LocalCommand::Serve { detached } => be_daemon(detached).await,
        LocalCommand::Agent => {
            devspace_local::agent::agent()
                .await
                .map_err(|error| ProcessError::Agent(Box::new(error)))?;
            Ok(Exit::Ok)
        }
    }
}

/// Reads the files first: a wrong one is told before anything is started.
async fn up(invocation: &mut Invocation, args: LocalStartArgs) -> Result<Exit, AnyReport> {
    let file = WorkspaceFile::find(&args.folder)?;
    let projects = file.projects()?;
    let request = StartRequest {
        launch: Launch {
            state: state_folder()?,
            program: this_program()?,
        },
        workspace: workspace(&file, &projects),
        timeout: args.timeout,
    };
    let (event_tx, event_rx) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let left = cancel.clone();
    let work = async move {
        left.run_until_cancelled(start(request, &event_tx))
            .await
            .transpose()
    };
    let Some(state) = pump(&mut invocation.printer, Box::pin(work), event_rx, Some(cancel)).await? else {
        // Ctrl-c: the services go on starting.
        invocation.printer.event(&Event::Next {
            commands: vec![
                "devspace local status".to_owned(),
                "devspace local stop".to_owned(),
            ],
        })?;
        return Ok(Exit::Ok);
    };
    show(invocation, &state)?;
    let failed = outcome(&state).map(|outcome| outcome.failed).unwrap_or_default();
    if failed.is_empty() {
        let commands = next_commands(invocation, &file)?;
        invocation.printer.event(&Event::Next { commands })?;
        return Ok(Exit::Ok);
    }
    Err(LocalError::Failed {
        workspace: state.name,
        services: failed,
    }
    .into())
}

/// What to try next.
fn next_commands(invocation: &Invocation, file: &WorkspaceFile) -> Result<Vec<String>, AnyReport> {
    let in_use = invocation.engine_choice()?.engine.value == EngineKind::Local;
    let mut commands = Vec::new();
    if !in_use {
        commands.push("devspace use local".to_owned());
    }
    if let Some(service) = file.services.first() {
        let here = std::env::current_dir().unwrap_or_default();
        let folder = service.strip_prefix(&here).unwrap_or(service);
        if folder.as_os_str().is_empty() {
            commands.push("devspace up".to_owned());
        } else {
            commands.push(format!("cd {} && devspace up", folder.display()));
        }
    }
    commands.push("devspace local stop".to_owned());
    Ok(commands)
}

/// The gateway and every service.
fn show(invocation: &mut Invocation, state: &WorkspaceState) -> Result<(), AnyReport> {
    invocation.printer.event(&Event::Workspace {
        workspace: state.name.clone(),
        file: state.file.display().to_string(),
        url: state.url.clone(),
        port_note: state.port_note.clone(),
    })?;
    let rows = state.services.iter().map(|service| {
        let row = row(&state.name, service);
        let first = row.message.lines().next().unwrap_or_default().to_owned();
        Row {
            cells: vec![
                row.service.clone(),
                row.phase.clone(),
                row.url.clone(),
                row.crashes.to_string(),
                first,
            ],
            event: Event::LocalService(row),
        }
    });
    invocation.printer.table(&Table {
        columns: vec!["SERVICE", "PHASE", "ADDRESS", "CRASHES", "MESSAGE"],
        rows: rows.collect(),
    })?;
    Ok(())
}

async fn status(invocation: &mut Invocation) -> Result<Exit, AnyReport> {
    let local = connect(&state_folder()?).await?;
    let daemon = local.daemon();
    invocation.printer.event(&Event::LocalEngine {
        version: daemon.version.clone(),
        pid: daemon.pid,
        state: daemon.state.display().to_string(),
        log: daemon.state.join(LOG).display().to_string(),
        started: false,
    })?;
    for state in workspaces(&local).await? {
        show(invocation, &state)?;
    }
    Ok(Exit::Ok)
}

/// `devspace local serve`: the daemon, until it is stopped.
async fn be_daemon(detached: bool) -> Result<Exit, AnyReport> {
    if detached {
        // Out of the terminal's session, so that neither ctrl-c nor its end reaches us. It fails only for the leader of
        // a group, which one that was started by `local start` is not.
        let _ = rustix::process::setsid();
    }
    let settings = Settings {
        state: state_folder()?,
        user: user(),
        agent: vec![this_program()?.into(), "local".into(), "agent".into()],
    };
    serve(settings).await.map_err(ProcessError::Serve)?;
    Ok(Exit::Ok)
}

/// The user, as the system names them.
fn user() -> String {
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty());
    named.unwrap_or_else(|| {
        let user = rustix::process::getuid();
        if user.is_root() {
            "root".to_owned()
        } else {
            format!("user-{}", user.as_raw())
        }
    })
}

fn this_program() -> Result<PathBuf, ProcessError> {
    let path = std::env::current_exe().map_err(ProcessError::Program)?;
    // The system says so of a program whose file was replaced; its path is that of the new one.
    let replaced = path.to_str().and_then(|text| text.strip_suffix(" (deleted)"));
    Ok(replaced.map_or_else(|| path.clone(), |text| Path::new(text).to_owned()))
}

/// Why a process of the local engine ends.
#[derive(Debug, thiserror::Error)]
enum ProcessError {
    /// The daemon.
    #[error("the local engine ends")]
    Serve(#[source] ServeError),
    /// The agent.
    #[error("an agent of the local engine ends")]
    Agent(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The path of this program is not known.
    #[error("the path of this program is not known")]
    Program(#[source] std::io::Error),
}

impl Report for ProcessError {
    fn code(&self) -> &'static str {
        match self {
            Self::Serve(ServeError::Running { .. }) => "local_runs_already",
            Self::Serve(_) => "local_serve",
            Self::Agent(_) => "local_agent",
            Self::Program(_) => "program_path",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Serve(ServeError::Running { .. }) => Exit::Refused,
            _ => Exit::Failure,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Serve(ServeError::Running { .. }) => {
                Some(Hint::with("see how it stands", "devspace local status"))
            }
            _ => None,
        }
    }
}
