//! Many callers while spaces come and go and the baseline's pods roll: nothing fails, nobody sees what is not theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use devspace_core::table::Protocol;
use devspace_data_plane::Settings;
use http::StatusCode;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::backend;
use crate::client::{connect1, get, get1, read};
use crate::world::{PACKAGE, World, soon, table};

/// Callers that keep their connection, and requests of each.
const KEPT: (usize, usize) = (16, 150);
/// Tables for which a pod that left them goes on serving.
const GRACE: usize = 10;
/// Requests on a connection of their own.
const NEW: usize = 100;

async fn kept(to: std::net::SocketAddr, key: Option<&'static str>, served: Arc<AtomicUsize>) {
    let headers: Vec<(&str, &str)> = key.map(|key| ("devspace-route-as", key)).into_iter().collect();
    let mut client = connect1(TcpStream::connect(to).await.unwrap()).await;
    for _ in 0..KEPT.1 {
        let answer = read(
            soon(client.sender.send_request(get("/", &headers)))
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK);
        match key {
            None => assert!(answer.body.starts_with("baseline "), "{}", answer.body),
            Some(key) => assert!(answer.body.starts_with("baseline ") || answer.body.starts_with(key)),
        }
        served.fetch_add(1, Ordering::Relaxed);
        soon(client.sender.ready()).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_fails_while_the_table_changes_under_load() {
    let first = backend::named("baseline").await;
    let red = backend::named("red").await;
    let mut world = World::with(Settings::default(), table(Protocol::Http, &[first.address]));
    let served = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for number in 0..KEPT.0 {
        let key = [None, Some("red"), Some("blue")][number % 3];
        callers.spawn(kept(world.package, key, Arc::clone(&served)));
    }
    let (package, counted) = (world.package, Arc::clone(&served));
    callers.spawn(async move {
        for _ in 0..NEW {
            assert!(get1(package, "/", &[]).await.body.starts_with("baseline "));
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let churn = async {
        let mut pods = vec![first];
        let mut swaps = 0;
        while !over.load(Ordering::Relaxed) {
            // The space's copy comes and goes.
            world.copy("red", &[red.address], Duration::from_secs(5));
            // A new pod is ready, then the old one leaves the table, then it is gone with its connections.
            pods.push(backend::named("baseline").await);
            world.table.listeners.get_mut(&PACKAGE).unwrap().baseline =
                pods.last().map(|pod| vec![pod.address]);
            world.table.listeners.get_mut(&PACKAGE).unwrap().spaces.clear();
            world.publish();
            // A pod is sent nothing new some time before it ends.
            if pods.len() > GRACE {
                drop(pods.remove(0));
            }
            swaps += 2;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        swaps
    };
    let load = async {
        while let Some(ended) = callers.join_next().await {
            ended.unwrap();
        }
        done.store(true, Ordering::Relaxed);
    };
    let (swaps, ()) = tokio::join!(churn, load);
    println!(
        "{} requests served over {swaps} tables, none failed",
        served.load(Ordering::Relaxed)
    );
    assert_eq!(served.load(Ordering::Relaxed), KEPT.0 * KEPT.1 + NEW);
}
