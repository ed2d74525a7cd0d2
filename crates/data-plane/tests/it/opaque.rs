//! Ports that are not HTTP.

use std::time::Duration;

use devspace_core::table::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend;
use crate::client::{get1, socket_from};
use crate::world::{World, soon, table};

/// Says its name, reads to the end, and only then says how much it was.
async fn counter(name: &'static str) -> backend::Backend {
    backend::raw_on(backend::listener().await, move |mut socket| async move {
        socket.write_all(name.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        socket
            .write_all(format!(" {}", all.len()).as_bytes())
            .await
            .unwrap();
    })
}

async fn talk(mut socket: TcpStream) -> String {
    let mut hello = [0; 4];
    // The server speaks first, and the end of our side leaves the other open.
    soon(socket.read_exact(&mut hello)).await.unwrap();
    socket.write_all(&[7; 100_000]).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut rest = String::new();
    soon(socket.read_to_string(&mut rest)).await.unwrap();
    String::from_utf8(hello.to_vec()).unwrap() + &rest
}

#[tokio::test]
async fn bytes_pass_with_half_close_and_the_callers_space_decides() {
    let (base, copy) = (counter("base").await, counter("redd").await);
    for protocol in [Protocol::Opaque, Protocol::Detect] {
        let mut world = World::start(table(protocol, &[base.address]));
        world.copy("red", &[copy.address], Duration::from_secs(5));
        world.caller("127.0.0.7", "red");
        assert_eq!(
            talk(TcpStream::connect(world.package).await.unwrap()).await,
            "base 100000"
        );
        assert_eq!(
            talk(socket_from("127.0.0.7", world.package).await).await,
            "redd 100000"
        );
    }
}

#[tokio::test]
async fn an_undeclared_port_serves_http_even_to_a_slow_caller() {
    let baseline = backend::named("baseline").await;
    let mut settings = crate::world::settings();
    settings.waits.detect = Duration::ZERO;
    let world = World::with(settings, table(Protocol::Detect, &[baseline.address]));
    let answer = get1(world.package, "/", &[("devspace-route-as", "blue")]).await;
    assert!(answer.body.starts_with("baseline ") && answer.body.contains("devspace-route-as: blue"));
}

#[tokio::test]
async fn an_undeclared_port_passes_what_is_not_http() {
    let echo = backend::raw_on(backend::listener().await, |mut socket| async move {
        let (mut read, mut write) = socket.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let world = World::start(table(Protocol::Detect, &[echo.address]));
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    socket.write_all(b"\x16\x03\x01 hello").await.unwrap();
    let mut back = [0; 9];
    soon(socket.read_exact(&mut back)).await.unwrap();
    assert_eq!(&back, b"\x16\x03\x01 hello");
}
