//! The way to the gateway through the copy, and the readiness listener.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::bench::{Bench, DEADLINE};

#[tokio::test]
async fn tunnels_relay_both_ways_and_half_close() {
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut bench = Bench::new().await;
    bench.stop_agent().await;
    bench.gateway = Some(gateway.local_addr().unwrap().to_string());
    bench.start_agent().await;
    bench.put("a", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut answers = JoinSet::new();
        loop {
            let (mut stream, _) = gateway.accept().await.unwrap();
            answers.spawn(async move {
                // Answers only after the caller has ended its direction.
                let mut asked = Vec::new();
                stream.read_to_end(&mut asked).await.unwrap();
                asked.reverse();
                stream.write_all(&asked).await.unwrap();
            });
        }
    });
    let mut clients = JoinSet::new();
    for n in 0..20_u8 {
        let tunnel = session.session.tunnels();
        clients.spawn(async move {
            let (near, mut far) = tokio::io::duplex(1024);
            let asking = async {
                far.write_all(&[n, 1, 2, 3]).await.unwrap();
                far.shutdown().await.unwrap();
                let mut answer = Vec::new();
                far.read_to_end(&mut answer).await.unwrap();
                assert_eq!(answer, [3, 2, 1, n]);
            };
            let (relayed, ()) = tokio::join!(tunnel.relay(near), asking);
            relayed.unwrap();
        });
    }
    tokio::time::timeout(DEADLINE, clients.join_all()).await.unwrap();
}

#[tokio::test]
async fn a_tunnel_without_a_gateway_is_refused() {
    let bench = Bench::new().await;
    bench.put("a", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    let (near, _far) = tokio::io::duplex(64);
    assert!(session.session.tunnel(near).await.is_err());
}

async fn probe(bench: &Bench) -> String {
    let mut stream = TcpStream::connect(bench.ready).await.unwrap();
    stream
        .write_all(b"GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn readiness_follows_the_program_and_stays_through_a_restart() {
    let bench = Bench::new().await;
    assert_eq!(probe(&bench).await, "503");
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    assert_eq!(probe(&bench).await, "200");
    bench.put("answer", "two");
    session
        .until("restart", |event| {
            matches!(
                event,
                devspace_sync::session::SessionEvent::ProgramStarting { .. }
            )
            .then_some(())
        })
        .await;
    assert_eq!(probe(&bench).await, "200");
    session.live().await;
    bench.put("server.py", "raise SystemExit(1)");
    session
        .until("exit", |event| {
            matches!(event, devspace_sync::session::SessionEvent::Exited { .. }).then_some(())
        })
        .await;
    assert_eq!(probe(&bench).await, "503");
}
