//! The client against a daemon that says what each test tells it to say.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devspace_api::space::SpaceSpec;
use futures::StreamExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::*;
use crate::engine::Attempt;

mod answers;
mod streams;

/// How long a test waits before it fails.
const DEADLINE: Duration = Duration::from_secs(10);

/// One request and the connection that it came on.
struct Asked {
    /// `GET /v1/daemon`.
    line: String,
    body: String,
    stream: UnixStream,
}

/// A daemon whose answers the test writes by hand, so that they may be wrong, late or cut off.
struct Fake {
    state: tempfile::TempDir,
    asked: mpsc::Receiver<Asked>,
    seen: Arc<Mutex<Vec<String>>>,
    tasks: JoinSet<()>,
}

const DAEMON: &str = r#"{"protocol": 1, "version": "0.1.0", "pid": 12, "state": "/state", "user": "ada"}"#;

impl Fake {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (tasks, asked) = listen(state.path().join(SOCKET), Arc::clone(&seen));
        Self {
            state,
            asked,
            seen,
            tasks,
        }
    }

    /// Ends it as `kill -9` does, and starts another one at the same place.
    async fn restart(&mut self) {
        self.kill().await;
        let socket = self.state.path().join(SOCKET);
        std::fs::remove_file(&socket).unwrap();
        let (tasks, asked) = listen(socket, Arc::clone(&self.seen));
        (self.tasks, self.asked) = (tasks, asked);
    }

    async fn kill(&mut self) {
        self.tasks.shutdown().await;
        self.asked.close();
        while self.asked.recv().await.is_some() {}
    }

    async fn next(&mut self) -> Asked {
        tokio::time::timeout(DEADLINE, self.asked.recv())
            .await
            .expect("a request comes")
            .expect("the daemon runs")
    }

    /// A client, after the question who the daemon is.
    async fn client(&mut self) -> Local {
        let state = self.state.path().to_owned();
        let (local, ()) = tokio::join!(connect(&state), async {
            self.next().await.answer(200, DAEMON).await;
        });
        local.unwrap()
    }
}

/// Takes each connection's one request.
fn listen(socket: PathBuf, seen: Arc<Mutex<Vec<String>>>) -> (JoinSet<()>, mpsc::Receiver<Asked>) {
    let listener = UnixListener::bind(socket).unwrap();
    let (asked_tx, asked_rx) = mpsc::channel(16);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let asked = read(stream).await;
            seen.lock().unwrap().push(asked.line.clone());
            if asked_tx.send(asked).await.is_err() {
                break;
            }
        }
    });
    (tasks, asked_rx)
}

async fn read(stream: UnixStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
        if head.len() == 1 {
            head[0] = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
        }
    }
    let length = head
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.unwrap();
    let upgrade = head.iter().find_map(|line| line.strip_prefix("upgrade: "));
    if let Some(upgrade) = upgrade.map(|upgrade| format!(" to {upgrade}")) {
        head[0].push_str(&upgrade);
    }
    Asked {
        line: head.swap_remove(0),
        body: String::from_utf8(body).unwrap(),
        stream: reader.into_inner(),
    }
}

impl Asked {
    async fn answer(self, status: u16, body: &str) {
        let mut stream = self.stream;
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
    }

    async fn refuse(self, status: u16, code: &str, message: &str) {
        let fault = serde_json::json!({"code": code, "message": message});
        self.answer(status, &fault.to_string()).await;
    }

    /// The head of an answer that ends with the connection.
    async fn stream(mut self) -> UnixStream {
        self.stream
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        self.stream
    }
}

fn at() -> At {
    At {
        namespace: "shop".to_owned(),
        name: "red".to_owned(),
    }
}

fn copy() -> CopyRef {
    CopyRef {
        baseline: "shop".to_owned(),
        space: "red".to_owned(),
        service: "package".to_owned(),
        namespace: "devspace-shop--red".to_owned(),
    }
}

fn space(owner: &str) -> Space {
    let mut space = Space::new(
        "red",
        SpaceSpec {
            owner: owner.to_owned(),
            ..SpaceSpec::default()
        },
    );
    space.metadata.namespace = Some("shop".to_owned());
    space
}

fn text(space: &Space) -> String {
    serde_json::to_string(space).unwrap()
}
