//! Ending without failing a request.

use std::time::Duration;

use devspace_core::table::Protocol;
use http::Response;
use http_body_util::Empty;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::backend::{self, full, read_head, write};
use crate::client::{connect1, connect2, get, read};
use crate::world::{World, settings, soon, table};

#[tokio::test]
async fn what_is_in_flight_is_answered_and_callers_are_asked_to_leave() {
    let go = Arc::new(Semaphore::new(0));
    let asked = Arc::new(Semaphore::new(0));
    let (gate, seen) = (Arc::clone(&go), Arc::clone(&asked));
    let baseline = backend::serve(backend::listener().await, move |_| {
        let (gate, seen) = (Arc::clone(&gate), Arc::clone(&seen));
        async move {
            seen.add_permits(1);
            gate.acquire().await.unwrap().forget();
            Response::new(full("done"))
        }
    });
    let mut drain = settings();
    drain.drain.idle = Duration::from_millis(50);
    let world = World::with(drain, table(Protocol::Http, &[baseline.address]));
    let mut one = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    let mut two = connect2::<Empty<bytes::Bytes>>(world.package).await;
    let mut idle = TcpStream::connect(world.package).await.unwrap();
    let (first, second) = (
        one.sender.send_request(get("/", &[])),
        two.sender.send_request(get("http://p/", &[])),
    );
    // In flight before the drain begins: a connection that has said nothing for a while is closed by it.
    soon(asked.acquire_many(2)).await.unwrap().forget();
    let answers = async {
        // Its end shows that the drain has begun.
        assert_eq!(soon(idle.read(&mut [0])).await.unwrap(), 0);
        go.add_permits(2);
        let (first, second) = (
            read(first.await.unwrap()).await,
            read(second.await.unwrap()).await,
        );
        assert_eq!((first.body.as_str(), second.body.as_str()), ("done", "done"));
        drop(two.sender);
        // GOAWAY ends the connection without an error.
        soon(two.task.join_next()).await.unwrap().unwrap().unwrap();
        first.headers
    };
    let (drained, headers) = soon(async { tokio::join!(world.router.drain(), answers) }).await;
    assert_eq!(drained.cut, 0);
    assert_eq!(headers["connection"], "close");
}

#[tokio::test]
async fn tunnels_are_waited_for_until_the_limit() {
    let baseline = backend::raw_on(backend::listener().await, |mut socket| async move {
        read_head(&mut socket).await;
        write(
            &mut socket,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        )
        .await;
        let (mut read, mut write) = socket.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let mut limited = settings();
    limited.drain.limit = Duration::from_millis(300);
    let world = World::with(limited, table(Protocol::Http, &[baseline.address]));
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: p\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .await
        .unwrap();
    assert!(soon(read_head(&mut socket)).await.starts_with("HTTP/1.1 101"));
    let mut byte = [0];
    let alive = async {
        socket.write_all(b"a").await.unwrap();
        soon(socket.read_exact(&mut byte)).await.unwrap();
        assert_eq!(&byte, b"a");
        soon(socket.read(&mut byte)).await.unwrap_or(0)
    };
    let (drained, end) = soon(async { tokio::join!(world.router.drain(), alive) }).await;
    assert_eq!((drained.cut, end), (1, 0));
}
