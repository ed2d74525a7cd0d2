//! The program as a process: it ends without cutting a connection, and gives up on a store that is not there.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends at the first thing that is not as it must be"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a test waits for anything before it fails.
const LIMIT: Duration = Duration::from_secs(30);

fn program(connection: &str, settings: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_delivery"))
        .env("PORT", "0")
        .env("CONNECTION_STRING", connection)
        .env("PACKAGE_URL", "http://127.0.0.1:1")
        .env("DRONESCHEDULER_URL", "http://127.0.0.1:1")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends one request on a kept connection and reads the answer's head and body.
fn exchange(stream: &mut BufReader<TcpStream>) -> String {
    stream
        .get_mut()
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: d\r\n\r\n")
        .unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(
            stream.read_line(&mut head).unwrap(),
            0,
            "the connection closed under a request: {head:?}"
        );
    }
    stream.read_exact(&mut [0; "Healthy".len()]).unwrap();
    head.to_ascii_lowercase()
}

#[test]
fn a_kept_connection_learns_of_the_end_from_an_answer() {
    let mut child = program("memory:", &[("DRAIN_MS", "1500")]);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let line = lines.find(|line| line.contains("\"listening\"")).unwrap();
    let port = serde_json::from_str::<serde_json::Value>(&line).unwrap()["port"]
        .as_u64()
        .unwrap();
    let stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut stream = BufReader::new(stream);
    assert!(!exchange(&mut stream).contains("connection: close"));

    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    lines.find(|line| line.contains("\"draining\"")).unwrap();
    assert!(exchange(&mut stream).contains("connection: close"));
    assert_eq!(
        stream.read(&mut [0]).unwrap(),
        0,
        "the connection ends after the answer that said so"
    );
    assert!(lines.any(|line| line.contains("\"stopped\"")));
    assert!(child.wait().unwrap().success());
}

#[test]
fn without_its_store_it_gives_up_with_1() {
    let mut child = program("redis://127.0.0.1:1/0", &[("STORE_WAIT_SECONDS", "1")]);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(
        output.contains("the store does not answer yet"),
        "it tried again: {output}"
    );
    assert!(output.contains("the service cannot run"), "{output}");
}
