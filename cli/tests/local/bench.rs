//! A folder with services and state of its own, and the program in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before the test fails.
const DEADLINE: Duration = Duration::from_secs(40);

/// The service: it says who it is, what word it was written with, and for whom it runs.
const PROGRAM: &str = r#"
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ["WHO"] % "WORD").encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// The folder. Dropping it stops what still runs.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("shop").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // As editors save: a program never sees half a file.
        let beside = path.with_extension("new~");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    }

    pub(crate) fn write_program(&self, service: &str, word: &str) {
        self.write(&format!("{service}/main.py"), &PROGRAM.replace("WORD", word));
    }

    pub(crate) fn write_service(&self, service: &str, word: &str) {
        let text = format!(
            "devspace: 1\nservice: {service}\nsync: [{{from: ., to: /app}}]\nrun: [python3, /app/main.py, '${{port}}']\n\
             ports: [8080]\nenv: {{WHO: '{service} %s in ${{space}}'}}\n"
        );
        self.write(&format!("{service}/devspace.yaml"), &text);
        self.write(&format!("{service}/.devspaceignore"), "*.new~\n");
        self.write_program(service, word);
    }

    pub(crate) fn write_workspace(&self) {
        let text =
            "devspace: 1\nworkspace: {name: shop, services: [web, api], routes: {/: web, /api: api}}\n";
        self.write("devspace.yaml", text);
    }

    fn command(&self, at: &str, arguments: &[&str]) -> Command {
        let home = self.folder.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_devspace"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DEVSPACE_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.path(at))
            .env("DEVSPACE_LOCAL_STATE", self.folder.path().join("state"))
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("HOME", home)
            .env("USER", "ada")
            .env_remove("KUBECONFIG")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end, with one event a line.
    pub(crate) fn run(&self, at: &str, arguments: &[&str]) -> Said {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        self.run_raw(at, &all)
    }

    /// Runs it to its end as it is typed.
    pub(crate) fn run_raw(&self, at: &str, arguments: &[&str]) -> Said {
        let output = self.command(at, arguments).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn spawn(&self, at: &str, arguments: &[&str]) -> Running {
        let mut all = vec!["--output", "json"];
        all.extend(arguments);
        let mut child = self.command(at, &all).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (line_tx, lines) = mpsc::sync_channel(1024);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if line_tx.send(line).is_err() {
                    break;
                }
            }
        });
        Running {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// What answers at `gateway` for `host`.
    pub(crate) fn ask(gateway: &str, host: &str, path: &str) -> String {
        let port = gateway.trim_end_matches('/').rsplit(':').next().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        body.to_owned()
    }

    /// Processes that have something of this folder in their command, folder or environment.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let own = std::process::id().to_string();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == own || !name.chars().all(|letter| letter.is_ascii_digit()) {
                continue;
            }
            let process = entry.path();
            if self.is_ours(&process) {
                let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
                found.push(format!(
                    "{name} {}",
                    String::from_utf8_lossy(&command).replace('\0', " ")
                ));
            }
        }
        found
    }

    fn is_ours(&self, process: &Path) -> bool {
        let ours = self.folder.path().as_os_str().as_encoded_bytes();
        let holds = |bytes: &[u8]| bytes.windows(ours.len()).any(|window| window == ours);
        // A process that ended meanwhile has no files, and is not left over.
        ["cmdline", "environ"]
            .iter()
            .any(|file| std::fs::read(process.join(file)).is_ok_and(|bytes| holds(&bytes)))
            || std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.folder.path()))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Only a test that failed leaves something to stop.
        drop(self.command(".", &["local", "stop"]).output());
    }
}

impl Said {
    pub(crate) fn succeeded(&self) {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
    }

    pub(crate) fn events(&self, name: &str) -> impl Iterator<Item = Value> {
        let lines = self.stdout.lines().map(parsed);
        lines.filter(move |event| event["event"] == name)
    }

    /// The first event of that name.
    pub(crate) fn event(&self, name: &str) -> Value {
        let found = self.events(name).next();
        found.unwrap_or_else(|| panic!("no `{name}` in {}{}", self.stdout, self.stderr))
    }
}

impl Running {
    /// The next event of that name.
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no `{name}` after {}", self.seen.join("\n"))
            };
            let event = parsed(&line);
            self.seen.push(line);
            if event["event"] == name {
                return event;
            }
        }
    }

    /// As ctrl-c does.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// All it said, once its output has ended.
    pub(crate) fn ended(mut self) -> Said {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it runs on after {}", self.seen.join("\n")),
            }
        }
        Said {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: self.seen.join("\n"),
            stderr: String::new(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
