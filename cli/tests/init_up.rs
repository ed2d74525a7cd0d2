//! `devspace init` and `devspace up` unchanged after it, for two frameworks of each language, on the local engine.
//!
//! The projects under `tests/init/` are what each framework's own tool makes, at pinned versions, with one route where the
//! tool makes none. They are built twice by the real package managers, which takes minutes and needs their registries:
//!
//! ```console
//! $ cargo test -p devspace-cli --test init_up -- --ignored --test-threads=1
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that fails says where"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// A repository with one service, and a local engine of its own that ends with it.
struct Application {
    root: tempfile::TempDir,
    name: &'static str,
}

impl Application {
    fn of(name: &'static str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/init")
            .join(name);
        copy(&fixture, &root.path().join("shop").join(name));
        std::fs::create_dir(root.path().join("shop/.git")).unwrap();
        Self { root, name }
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("shop").join(self.name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_devspace"))
            .args(arguments)
            .current_dir(self.folder())
            .env("XDG_CONFIG_HOME", self.root.path().join("config"))
            .env("KUBECONFIG", self.root.path().join("no-kubeconfig"))
            .env("DEVSPACE_LOCAL_STATE", self.root.path().join("state"))
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env_remove("DEVSPACE_CONTEXT")
            .env_remove("DEVSPACE_ENGINE")
            .env_remove("DEVSPACE_BASELINE")
            .env_remove("DEVSPACE_SPACE")
            .output()
            .unwrap()
    }

    /// Standard output of a run that has to end well.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{arguments:?}\n{out}\n{err}");
        out.into_owned()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let file = self.folder().join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let stopped = self.run(&["local", "stop"]);
        if !std::thread::panicking() {
            assert!(stopped.status.success());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The body of the answer to `GET /` at the gateway.
fn get(port: u16, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

/// The gateway's port, from the events of `local start`.
fn gateway(events: &str) -> u16 {
    events
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|event| event["event"] == "workspace")
        .find_map(|event| event["url"].as_str()?.rsplit(':').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{events}"))
}

/// Writes the file, starts the baseline, changes the source, brings it up in the space `red`, and asks both.
/// `toolchain` is the program that builds it; where it is missing nothing is tested, and the output says so.
fn init_and_up(name: &'static str, toolchain: &str, file: &str) {
    if Command::new(toolchain).arg("--version").output().is_err()
        && Command::new(toolchain).arg("version").output().is_err()
    {
        eprintln!("{toolchain} is not on this machine: {name} is not tested");
        return;
    }
    let application = Application::of(name);
    application.done(&["init", "--yes"]);
    application.done(&["use", "local"]);
    let port = gateway(&application.done(&["local", "start", "--output", "json"]));
    application.edit(file, "hello from", "hello red from");
    application.done(&["up", "--detach", "--space", "red"]);
    let (red, baseline) = (get(port, "red.localhost"), get(port, "localhost"));
    assert!(red.contains("hello red from"), "{red}");
    assert!(baseline.contains("hello from"), "{baseline}");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn rust_axum() {
    init_and_up("axum", "cargo", "src/main.rs");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn rust_actix_web() {
    init_and_up("actix", "cargo", "src/main.rs");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn node_express_in_typescript() {
    init_and_up("express", "npm", "src/main.ts");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn node_fastify() {
    init_and_up("fastify", "npm", "routes/root.js");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn go_net_http() {
    init_and_up("go-http", "go", "main.go");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn go_gin() {
    init_and_up("go-gin", "go", "main.go");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn python_fastapi() {
    init_and_up("fastapi", "python3", "main.py");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn python_flask() {
    init_and_up("flask", "python3", "app.py");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn jvm_spring_boot() {
    init_and_up(
        "spring",
        "mvn",
        "src/main/java/com/example/hello/HelloApplication.java",
    );
}

#[test]
#[ignore = "builds a project with its package manager"]
fn jvm_javalin() {
    init_and_up("javalin", "mvn", "src/main/java/com/example/App.java");
}

#[test]
#[ignore = "builds a project with its package manager"]
fn a_repository_of_one_service_needs_one_file() {
    let application = Application::of("go-http");
    std::fs::create_dir(application.folder().join(".git")).unwrap();
    application.done(&["init", "--yes"]);
    application.done(&["use", "local"]);
    let port = gateway(&application.done(&["local", "start", "--output", "json"]));
    application.edit("main.go", "hello from", "hello red from");
    application.done(&["up", "--detach", "--space", "red"]);
    assert!(get(port, "red.localhost").contains("hello red from"));
    assert!(get(port, "localhost").contains("hello from"));
}
