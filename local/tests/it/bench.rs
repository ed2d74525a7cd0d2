//! A daemon as a process, a workspace of two small services, and copies of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use devspace_agent::processes;
use devspace_local::protocol::{Workspace, WorkspaceService, WorkspaceState};
use devspace_sync::session::{
    ClientIdentity, Program, Session, SessionConfig, SessionEvent, SyncRoot, start,
};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Way};

/// Nothing here takes this long, on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at something that comes about by itself.
const LOOK: Duration = Duration::from_millis(20);

/// Answers with its text, the space in its environment, and what PEER_URL answers where a path asks for it.
const SERVER: &str = r#"
import http.server, os, sys, threading, urllib.request
answer = open("answer").read().strip()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            print("about to crash", flush=True)
            os._exit(9)
        text = answer + " " + os.environ.get("NAME", "")
        if self.path == "/peer":
            text += " > " + urllib.request.urlopen(os.environ["PACKAGE_URL"]).read().decode()
        body = text.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
if len(sys.argv) > 2:
    debugger = Server(("127.0.0.1", int(sys.argv[2])), Handler)
    threading.Thread(target=debugger.serve_forever, daemon=True).start()
print("listening on", os.environ["PORT"], flush=True)
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

pub(crate) struct Bench {
    folder: TempDir,
    daemon: Option<Child>,
    pub(crate) client: Client,
}

impl Bench {
    /// A daemon, and a workspace with `package` and `web` that is ready.
    pub(crate) async fn ready() -> (Self, WorkspaceState) {
        let bench = Self::new().await;
        bench.put_service("package", "package-baseline");
        bench.put_service("web", "web-baseline");
        let state = bench.put(&bench.workspace(&["web", "package"])).await;
        bench.until_ready(&state.name).await;
        let state = bench.state().await;
        (bench, state)
    }

    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::new(&folder.path().join("state"));
        let mut bench = Self {
            folder,
            daemon: None,
            client,
        };
        bench.start().await;
        bench
    }

    pub(crate) async fn start(&mut self) {
        let child = Command::new(env!("CARGO_BIN_EXE_devspace-local-engine"))
            .arg("serve")
            .arg(self.state_folder())
            .env("DEVSPACE_SPACE", "of the shell")
            .stdin(Stdio::null())
            .stderr(fs::File::create(self.folder.path().join("daemon.log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.daemon = Some(child);
        let client = self.client.clone();
        self.until("the daemon", async || {
            client.ask(Method::GET, "/v1/daemon", Value::Null).await.map(drop)
        })
        .await;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id().unwrap()
    }

    /// As `kill -9`.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.daemon.take().unwrap();
        child.kill().await.unwrap();
    }

    /// As `devspace local stop`.
    pub(crate) async fn stop(&mut self) {
        self.client.ok(Method::POST, "/v1/stop", Value::Null).await;
        let mut child = self.daemon.take().unwrap();
        let ended = tokio::time::timeout(DEADLINE, child.wait())
            .await
            .unwrap()
            .unwrap();
        assert!(ended.success(), "{ended}: {}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("daemon.log")).unwrap_or_default()
    }

    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Processes that work in our folder: everything that the daemon started does.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let here = |process: &processes::Process| {
            fs::read_link(format!("/proc/{}/cwd", process.pid))
                .is_ok_and(|cwd| cwd.starts_with(self.folder.path()))
        };
        processes::all()
            .into_iter()
            .filter(here)
            .map(|process| process.pid)
            .collect()
    }

    pub(crate) fn project(&self, service: &str) -> PathBuf {
        self.folder.path().join("services").join(service)
    }

    pub(crate) fn put_service(&self, name: &str, answer: &str) {
        put_server(&self.project(name), answer);
    }

    pub(crate) fn workspace(&self, services: &[&str]) -> Workspace {
        Workspace {
            name: "shop".to_owned(),
            file: self.folder.path().join("devspace.yaml"),
            host: None,
            port: None,
            routes: BTreeMap::new(),
            services: services.iter().map(|name| self.service(name)).collect(),
        }
    }

    pub(crate) fn service(&self, name: &str) -> WorkspaceService {
        WorkspaceService {
            name: name.to_owned(),
            folder: self.project(name),
            ports: vec![8080],
            debug: Some(9229),
            cache: vec!["/app/cache".to_owned()],
            roots: roots(&self.project(name)),
            program: program(),
            env: BTreeMap::from([("DATA".to_owned(), "${data}".to_owned())]),
        }
    }

    pub(crate) async fn put(&self, workspace: &Workspace) -> WorkspaceState {
        let path = format!("/v1/workspaces/{}", workspace.name);
        let state = self
            .client
            .ok(Method::PUT, &path, serde_json::to_value(workspace).unwrap())
            .await;
        serde_json::from_value(state).unwrap()
    }

    pub(crate) async fn state(&self) -> WorkspaceState {
        let all: Vec<WorkspaceState> =
            serde_json::from_value(self.client.get("/v1/workspaces").await).unwrap();
        all.into_iter().next().unwrap()
    }

    pub(crate) async fn until_ready(&self, name: &str) {
        self.until_state(name, "all services to be ready", |state| {
            state["services"]
                .as_array()
                .unwrap()
                .iter()
                .all(|service| service["phase"] == "ready")
        })
        .await;
    }

    pub(crate) async fn until_state(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_line(&format!("/v1/workspaces/{name}/watch"), what, wanted)
            .await
    }

    /// Reads a watch until a line is what is wanted.
    pub(crate) async fn until_line(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut lines = self.client.watch(path).await;
        let mut last = String::new();
        let waiting = async {
            loop {
                last = lines.next().await.expect("the watch ended");
                let value: Value = serde_json::from_str(&last).unwrap();
                if wanted(&value) {
                    return value;
                }
            }
        };
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(value) => value,
            Err(_) => panic!("no {what}: {last}\n{}", self.log()),
        }
    }

    /// Asks until something is there.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let waiting = async {
            let mut again = tokio::time::interval(LOOK);
            loop {
                again.tick().await;
                if let Some(found) = look().await {
                    return found;
                }
            }
        };
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("no {what}\n{}", self.log()),
        }
    }

    /// Makes a space with a copy of `service` that says `answer`, and waits until it is routed.
    pub(crate) async fn up(&self, space: &str, service: &str, answer: &str) -> Up {
        let client = &self.client;
        let path = format!("/v1/spaces/shop/{space}");
        client
            .ok(Method::PATCH, &path, json!({"spec": {"owner": "ada"}}))
            .await;
        let project = self.folder.path().join("copies").join(space).join(service);
        put_server(&project, answer);
        let namespace = format!("devspace-shop--{space}");
        let path = format!("/v1/servicecopies/{namespace}/{service}");
        let spec = json!({"service": service, "syncTargets": ["/app"], "cache": ["/app/cache"], "image": "python:3"});
        // As `up` does it. 9230 is no port of the baseline's service.
        let metadata = json!({"annotations": {"devspace.dev/ports": "8080,9230"}});
        client
            .ok(Method::PATCH, &path, json!({"metadata": metadata, "spec": spec}))
            .await;
        let config = SessionConfig {
            roots: roots(&project),
            program: Program {
                run: program()
                    .run
                    .into_iter()
                    .chain(["${port:9230}".to_owned()])
                    .collect(),
                ..program()
            },
            client: ClientIdentity {
                user: "ada".to_owned(),
                host: "here".to_owned(),
                session_id: format!("{space}-{service}"),
            },
        };
        let way = Way {
            client: client.clone(),
            namespace,
            service: service.to_owned(),
        };
        let (session, events) = start(Arc::new(way), config, CancellationToken::new());
        let copy = self
            .until_line(&format!("{path}/watch"), "routed copy", is_routed)
            .await;
        Up {
            _session: session,
            _events: events,
            project,
            copy,
        }
    }
}

pub(crate) fn put_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn put_server(project: &Path, answer: &str) {
    put_file(&project.join("answer"), answer);
    put_file(&project.join("server.py"), SERVER);
}

fn roots(from: &Path) -> Vec<SyncRoot> {
    vec![SyncRoot {
        from: from.to_owned(),
        to: "/app".to_owned(),
        only: Vec::new(),
        back: Vec::new(),
    }]
}

/// The interpreter itself: `python3` in the path may be a script that looks for it for a second.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let asked = std::process::Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output();
        String::from_utf8(asked.unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    })
}

pub(crate) struct Up {
    _session: Session,
    _events: mpsc::Receiver<SessionEvent>,
    pub(crate) project: PathBuf,
    pub(crate) copy: Value,
}

pub(crate) fn is_routed(copy: &Value) -> bool {
    let conditions = copy.pointer("/status/conditions").and_then(Value::as_array);
    let routed = |condition: &Value| condition["type"] == "Routed" && condition["status"] == "True";
    let is_current = copy.pointer("/status/observedGeneration") == copy.pointer("/metadata/generation");
    is_current && conditions.is_some_and(|all| all.iter().any(routed))
}

fn program() -> Program {
    Program {
        build: None,
        run: [python(), "-S", "/app/server.py", "${port}"]
            .map(str::to_owned)
            .to_vec(),
        env: BTreeMap::from([("NAME".to_owned(), "in-${space}".to_owned())]),
        ports: Vec::new(),
        restart: None,
        working_dir: None,
        stop_grace: Duration::from_secs(5),
    }
}

pub(crate) fn port_of(url: &str) -> u16 {
    let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
    port.parse().unwrap()
}
