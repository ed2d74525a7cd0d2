//! How long a save takes on the local engine until the first new response, beside the program's own restart.
//!
//! Both are measured in turn in one run, with the same program on the same machine.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::median::median;
use crate::harness::devspace::{Caller, Devspace};
use crate::harness::folder::Folder;
use crate::harness::{nonce, say};
use crate::pod::once;
use crate::wire::Request;

/// What our part of a save may take beside the program's restart.
const BAR: f64 = 0.030;
/// How long one step may take.
const LIMIT: Duration = Duration::from_secs(300);

/// The medians, in seconds.
#[derive(Debug, Serialize)]
struct Results {
    what: &'static str,
    unit: &'static str,
    saves: usize,
    /// From the save to the first response of the new program.
    save: f64,
    /// SIGTERM, the end, a new start and its first response, with nothing of ours between.
    restart: f64,
    /// What we add.
    own: f64,
    own_bar: f64,
    all_saves: Vec<f64>,
    all_restarts: Vec<f64>,
}

pub(super) async fn run(saves: usize, results: &Path) -> Result<ExitCode> {
    let stage = Stage::new().await?;
    let (mut of_saves, mut of_restarts) = (Vec::new(), Vec::new());
    let mut direct = Direct::start(&stage.program).await?;
    for _ in 0..saves {
        of_restarts.push(direct.restart().await?);
        of_saves.push(stage.save().await?);
    }
    direct.end().await?;
    let all = Results {
        what: "a save on the local engine until the first new response",
        unit: "s",
        saves,
        save: median(of_saves.iter().copied()),
        restart: median(of_restarts.iter().copied()),
        own: median(of_saves.iter().copied()) - median(of_restarts.iter().copied()),
        own_bar: BAR,
        all_saves: of_saves,
        all_restarts: of_restarts,
    };
    stage.end().await?;
    let good = all.own < BAR;
    say(format!(
        "median of {saves}: save to response {:.1} ms, restart alone {:.1} ms, ours {:.1} ms ({} {:.0} ms)",
        all.save * 1e3,
        all.restart * 1e3,
        all.own * 1e3,
        if good { "within" } else { "over" },
        BAR * 1e3
    ));
    if let Some(folder) = results.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(results, format!("{}\n", serde_json::to_string_pretty(&all)?))
        .with_context(|| format!("cannot write {}", results.display()))?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A local engine with one service and a copy of it, in a home folder of its own.
struct Stage {
    program: PathBuf,
    folder: Folder,
    caller: Caller,
    request: Request,
    _home: tempfile::TempDir,
    _up: Devspace,
}

impl Stage {
    async fn new() -> Result<Self> {
        let own = std::env::current_exe()?;
        let program = own
            .parent()
            .context("this program is in no folder")?
            .join("e2e-pod");
        let project = format!(
            "devspace: 1\nservice: echo\nports: [8080]\nsync: [{{from: ., to: /app}}]\n\
             run: [{}, echo, --http, '${{port}}', --tcp, '0', --version-file, version.txt]\n",
            program.display()
        );
        let folder = Folder::new(&[
            (
                "devspace.yaml",
                "devspace: 1\nworkspace: {name: bench, services: [echo]}\n",
            ),
            ("echo/devspace.yaml", &project),
            ("echo/version.txt", "baseline\n"),
        ])?;
        let home = tempfile::tempdir()?;
        let caller = Caller::new(&home.path().join("no-kubeconfig"), home.path());
        caller.ok(folder.path(), &["local", "start"]).await?;
        caller.ok(folder.path(), &["use", "local"]).await?;
        let mut up = caller.start(&folder.path().join("echo"), &["up", "-s", "red"])?;
        let tunnel = up.event("tunnel", LIMIT).await?;
        let address = tunnel.text("address").trim_start_matches("http://");
        let request = Request {
            address: address.trim_end_matches('/').to_owned(),
            path: "/".to_owned(),
            ..Request::default()
        };
        Ok(Self {
            program,
            folder,
            caller,
            request,
            _home: home,
            _up: up,
        })
    }

    /// Saves, and asks until the answer is new. Requests in the gap are held by the router.
    async fn save(&self) -> Result<f64> {
        let version = nonce();
        let began = Instant::now();
        self.folder.write("echo/version.txt", &version)?;
        answers(&self.request, &version).await?;
        Ok(began.elapsed().as_secs_f64())
    }

    async fn end(self) -> Result<()> {
        self.caller
            .ok(self.folder.path(), &["local", "stop"])
            .await
            .map(drop)
    }
}

async fn answers(request: &Request, version: &str) -> Result<()> {
    let asked = timeout(LIMIT, async {
        loop {
            if once::request(request)
                .await
                .is_ok_and(|response| response.body.contains(version))
            {
                return;
            }
        }
    });
    asked.await.with_context(|| format!("no answer of {version}"))
}

/// The program with nothing of ours around it.
struct Direct {
    program: PathBuf,
    folder: Folder,
    request: Request,
    child: Child,
}

impl Direct {
    async fn start(program: &Path) -> Result<Self> {
        let folder = Folder::new(&[("version.txt", "direct\n")])?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let request = Request {
            address: format!("127.0.0.1:{port}"),
            path: "/".to_owned(),
            ..Request::default()
        };
        let child = spawn(program, folder.path(), port)?;
        answers(&request, "direct").await?;
        Ok(Self {
            program: program.to_owned(),
            folder,
            request,
            child,
        })
    }

    async fn restart(&mut self) -> Result<f64> {
        let version = nonce();
        let began = Instant::now();
        self.folder.write("version.txt", &version)?;
        self.stop().await?;
        let port = self
            .request
            .address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        self.child = spawn(&self.program, self.folder.path(), port.context("no port")?)?;
        answers(&self.request, &version).await?;
        Ok(began.elapsed().as_secs_f64())
    }

    async fn stop(&mut self) -> Result<()> {
        let id = self.child.id().context("the program has ended by itself")?;
        let id = Pid::from_raw(i32::try_from(id)?).context("no process id")?;
        kill_process(id, Signal::TERM)?;
        let ended = timeout(LIMIT, self.child.wait()).await;
        ensure!(ended.is_ok(), "the program does not end");
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        self.stop().await
    }
}

fn spawn(program: &Path, folder: &Path, port: u16) -> Result<Child> {
    let mut command = Command::new(program);
    command.args([
        "echo",
        "--http",
        &port.to_string(),
        "--tcp",
        "0",
        "--version-file",
        "version.txt",
    ]);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command.spawn().context("cannot start the program")
}
