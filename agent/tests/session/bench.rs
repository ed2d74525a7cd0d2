//! A copy that runs in this process, and sessions with it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use devspace_agent::environment::Environment;
use devspace_agent::run::{Listeners, run};
use devspace_sync::session::{
    Build, ByteStream, ClientIdentity, Dial, DialError, Program, Session, SessionConfig, SessionEvent,
    SyncRoot, start,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long, on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The developer's folder and the copy's volume.
pub(crate) struct Bench {
    folder: TempDir,
    agent: Option<(JoinSet<()>, CancellationToken)>,
    address: Arc<Mutex<SocketAddr>>,
    cut: Arc<Mutex<CancellationToken>>,
    pub(crate) ready: SocketAddr,
    pub(crate) port: u16,
    pub(crate) gateway: Option<String>,
}

struct Port {
    address: Arc<Mutex<SocketAddr>>,
    cut: Arc<Mutex<CancellationToken>>,
}

impl Dial for Port {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        async {
            let address = *self.address.lock().unwrap();
            let cut = self.cut.lock().unwrap().clone();
            let mut far = TcpStream::connect(address)
                .await
                .map_err(|error| DialError::caused_by("no connection", error))?;
            far.set_nodelay(true).unwrap();
            let (near, mut inner) = tokio::io::duplex(256 * 1024);
            // The relay is what a port-forward is: it can be cut while both ends live.
            #[expect(clippy::disallowed_methods, reason = "it ends with its streams or its token")]
            tokio::spawn(async move {
                cut.run_until_cancelled(tokio::io::copy_bidirectional(&mut inner, &mut far))
                    .await;
            });
            Ok(Box::new(near) as Box<dyn ByteStream>)
        }
        .boxed()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        let mut bench = Self {
            folder,
            agent: None,
            address: Arc::new(Mutex::new(SocketAddr::from(([127, 0, 0, 1], 1)))),
            cut: Arc::default(),
            ready: SocketAddr::from(([127, 0, 0, 1], 1)),
            port,
            gateway: None,
        };
        drop(free);
        bench.start_agent().await;
        bench
    }

    pub(crate) async fn start_agent(&mut self) {
        let control = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ready = TcpListener::bind("127.0.0.1:0").await.unwrap();
        *self.address.lock().unwrap() = control.local_addr().unwrap();
        self.ready = ready.local_addr().unwrap();
        let mut variables: Vec<(std::ffi::OsString, std::ffi::OsString)> = std::env::vars_os().collect();
        let mut set = |name: &str, value: String| variables.push((name.into(), value.into()));
        set("DEVSPACE_VOLUME", self.volume().to_string_lossy().into_owned());
        set("DEVSPACE_SPACE", "red".to_owned());
        set("DEVSPACE_PORTS", self.port.to_string());
        set(
            "DEVSPACE_SYNC_TARGETS",
            serde_json::to_string(&[self.target()]).unwrap(),
        );
        if let Some(gateway) = &self.gateway {
            set("DEVSPACE_GATEWAY", gateway.clone());
        }
        let environment = Environment::from_variables(variables).unwrap();
        let cancel = CancellationToken::new();
        let stopped = cancel.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            run(
                environment,
                Listeners {
                    control: control.into(),
                    ready: ready.into(),
                },
                tokio::io::sink(),
                stopped,
            )
            .await
            .unwrap();
        });
        self.agent = Some((tasks, cancel));
    }

    /// As SIGTERM does.
    pub(crate) async fn stop_agent(&mut self) {
        let (mut tasks, cancel) = self.agent.take().unwrap();
        cancel.cancel();
        tokio::time::timeout(DEADLINE, async { while tasks.join_next().await.is_some() {} })
            .await
            .unwrap();
    }

    /// A new pod on an empty volume.
    pub(crate) async fn replace_pod(&mut self) {
        self.stop_agent().await;
        fs::remove_dir_all(self.volume()).unwrap();
        self.start_agent().await;
    }

    /// Cuts every connection; new ones go through.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.folder.path().join("volume")
    }

    /// In a pod this is a mount of that folder of the volume.
    pub(crate) fn target(&self) -> String {
        self.volume().join("src/0").to_string_lossy().into_owned()
    }

    pub(crate) fn put(&self, path: &str, content: &str) {
        let place = self.project().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }

    pub(crate) fn there(&self, path: &str) -> Option<String> {
        fs::read_to_string(Path::new(&self.target()).join(path)).ok()
    }

    /// A program that answers every connection with the text in the file `answer`, read at its start.
    pub(crate) fn put_server(&self, answer: &str) {
        self.put("answer", answer);
        self.put("server.py", SERVER);
    }

    pub(crate) fn config(&self) -> SessionConfig {
        SessionConfig {
            roots: vec![SyncRoot {
                from: self.project(),
                to: self.target(),
                only: Vec::new(),
                back: Vec::new(),
            }],
            program: Program {
                build: None,
                run: [python(), "-S", "-u", "server.py", &self.port.to_string()]
                    .map(str::to_owned)
                    .to_vec(),
                env: BTreeMap::from([("NAME".to_owned(), "copy-of-${space}".to_owned())]),
                ports: Vec::new(),
                restart: None,
                working_dir: Some(self.target()),
                stop_grace: Duration::from_secs(5),
            },
            client: ClientIdentity {
                user: "ada".to_owned(),
                host: "laptop".to_owned(),
                session_id: "first".to_owned(),
            },
        }
    }

    /// The configuration with another program, a shell script.
    pub(crate) fn config_with(&self, script: &str) -> SessionConfig {
        let mut config = self.config();
        config.program.run = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        config
    }

    pub(crate) fn dial(&self) -> Arc<dyn Dial> {
        Arc::new(Port {
            address: Arc::clone(&self.address),
            cut: Arc::clone(&self.cut),
        })
    }

    pub(crate) fn session(&self, config: SessionConfig) -> Listened {
        let (session, events) = start(self.dial(), config, CancellationToken::new());
        Listened {
            session,
            events,
            seen: Vec::new(),
        }
    }

    /// What the program answers to a new connection.
    pub(crate) async fn ask(&self) -> io::Result<String> {
        use tokio::io::AsyncReadExt;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }
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

pub(crate) fn build(script: &str, when: &[&str]) -> Option<Build> {
    Some(Build::Run {
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        when: when.iter().map(|glob| (*glob).to_owned()).collect(),
    })
}

/// A session whose events are kept.
pub(crate) struct Listened {
    pub(crate) session: Session,
    events: mpsc::Receiver<SessionEvent>,
    pub(crate) seen: Vec<SessionEvent>,
}

impl Listened {
    /// Waits for an event that `wanted` takes.
    pub(crate) async fn until<T>(&mut self, what: &str, wanted: impl Fn(&SessionEvent) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await?;
                self.seen.push(event.clone());
                if let Some(found) = wanted(&event) {
                    return Some(found);
                }
            }
        };
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the session ended before {what}: {:#?}", self.seen),
            Err(_) => panic!("no {what}: {:#?}", self.seen),
        }
    }

    pub(crate) async fn live(&mut self) -> u64 {
        self.until("live", |event| match event {
            SessionEvent::Live { revision, .. } => Some(revision.0),
            _ => None,
        })
        .await
    }

    pub(crate) async fn in_sync(&mut self) -> u64 {
        self.until("in sync", |event| match event {
            SessionEvent::InSync { revision, .. } => Some(revision.0),
            _ => None,
        })
        .await
    }

    /// Waits for the end of the events.
    pub(crate) async fn ended(&mut self) {
        let waiting = async {
            while let Some(event) = self.events.recv().await {
                self.seen.push(event)
            }
        };
        tokio::time::timeout(DEADLINE, waiting)
            .await
            .expect("the session goes on");
    }
}

const SERVER: &str = r#"
import socket, sys, os
answer = open("answer").read() + " " + os.environ["NAME"]
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(64)
print("listening")
while True:
    client, _ = server.accept()
    client.sendall(answer.encode())
    client.close()
"#;
