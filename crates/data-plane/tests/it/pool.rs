//! Upstream connections: reuse, and what happens when one is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use devspace_core::table::Protocol;
use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::backend::{self, read_head, write};
use crate::client::{connect1, get, post, read};
use crate::world::{World, settings, soon, table};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn one_thread() -> devspace_data_plane::Settings {
    let mut settings = settings();
    settings.threads = std::num::NonZeroUsize::MIN;
    // On a busy machine seconds may pass between two requests.
    settings.waits.upstream_idle = Duration::from_secs(3600);
    settings
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let baseline = backend::named("baseline").await;
    let world = World::with(one_thread(), table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    for _ in 0..20 {
        read(soon(client.sender.send_request(get("/", &[]))).await.unwrap()).await;
        soon(client.sender.ready()).await.unwrap();
    }
    assert_eq!(baseline.connections.load(Ordering::SeqCst), 1);
}

/// An endpoint that ends its first connection when the second request comes on it, without an answer.
async fn unreliable(asked: Arc<AtomicUsize>) -> backend::Backend {
    let first = Arc::new(AtomicUsize::new(0));
    backend::raw_on(backend::listener().await, move |mut socket| {
        let is_first = first.fetch_add(1, Ordering::SeqCst) == 0;
        let asked = Arc::clone(&asked);
        async move {
            read_head(&mut socket).await;
            write(&mut socket, OK).await;
            if is_first {
                if !read_head(&mut socket).await.is_empty() {
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                return;
            }
            while !read_head(&mut socket).await.is_empty() {
                write(&mut socket, OK).await;
            }
        }
    })
}

#[tokio::test]
async fn an_idempotent_request_is_sent_once_more_when_its_connection_ends() {
    let asked = Arc::new(AtomicUsize::new(0));
    let baseline = unreliable(Arc::clone(&asked)).await;
    let world = World::with(one_thread(), table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    for _ in 0..3 {
        let answer = read(soon(client.sender.send_request(get("/", &[]))).await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        soon(client.sender.ready()).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_sent_twice() {
    let asked = Arc::new(AtomicUsize::new(0));
    let baseline = unreliable(Arc::clone(&asked)).await;
    let world = World::with(one_thread(), table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = read(
            soon(client.sender.send_request(post("/", "", &[])))
                .await
                .unwrap(),
        )
        .await;
        statuses.push(answer.status.as_u16());
        soon(client.sender.ready()).await.unwrap();
    }
    assert_eq!((statuses, asked.load(Ordering::SeqCst)), (vec![200, 502, 200], 1));
}

#[tokio::test]
async fn a_connection_that_the_endpoint_closed_is_not_used() {
    // Ends every connection after one answer, without saying so.
    let baseline = backend::raw_on(backend::listener().await, |mut socket| async move {
        let head = read_head(&mut socket).await;
        let length = if head.contains("content-length: 4") { 4 } else { 0 };
        let mut body = vec![0; length];
        let _ = socket.read_exact(&mut body).await;
        write(&mut socket, OK).await;
    });
    let world = World::with(one_thread(), table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    for _ in 0..50 {
        let answer = read(
            soon(client.sender.send_request(post("/", "data", &[])))
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK);
        soon(client.sender.ready()).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_endpoint_does_not_fail_a_request_while_another_listens() {
    let baseline = backend::named("baseline").await;
    let gone = backend::free_address();
    let world = World::start(table(Protocol::Http, &[gone, baseline.address]));
    for _ in 0..8 {
        let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
        let answer = read(
            soon(client.sender.send_request(post("/", "data", &[])))
                .await
                .unwrap(),
        )
        .await;
        assert!(answer.body.starts_with("baseline "), "{}", answer.body);
    }
}
