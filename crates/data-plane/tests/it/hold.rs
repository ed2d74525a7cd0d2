//! Waiting for a copy that restarts, and what is said when it stays down.

use std::time::Duration;

use devspace_core::table::{After, Protocol};
use http::StatusCode;
use tokio::net::TcpListener;

use crate::backend;
use crate::client::get1;
use crate::world::{PACKAGE, World, settings, soon, space, table};

const RED: [(&str, &str); 1] = [("devspace-route-as", "red")];
const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_refused_copy_is_tried_until_it_listens_again() {
    let baseline = backend::named("baseline").await;
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    let address = backend::free_address();
    world.copy("red", &[address], LONG);
    let asked = get1(world.package, "/", &RED);
    let restart = async {
        // Others are not kept waiting by it.
        assert!(get1(world.package, "/", &[]).await.body.starts_with("baseline "));
        let listener = TcpListener::bind(address).await.unwrap();
        backend::serve(listener, |r| async move {
            http::Response::new(backend::full(backend::describe("red", &r)))
        })
    };
    let (answer, _red) = soon(async { tokio::join!(asked, restart) }).await;
    assert!(answer.body.starts_with("red "), "{}", answer.body);
}

#[tokio::test]
async fn a_copy_without_endpoints_is_waited_for_until_the_table_has_one() {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[], LONG);
    let package = world.package;
    let asked = get1(package, "/", &RED);
    let ready = async {
        assert!(get1(package, "/", &[]).await.body.starts_with("baseline "));
        world.copy("red", &[red.address], LONG);
    };
    let (answer, ()) = soon(async { tokio::join!(asked, ready) }).await;
    assert!(answer.body.starts_with("red "), "{}", answer.body);
}

#[tokio::test]
async fn a_dead_copy_is_named_and_never_replaced_by_surprise() {
    let baseline = backend::named("baseline").await;
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    for endpoints in [vec![], vec![backend::free_address()]] {
        world.copy("red", &endpoints, Duration::from_millis(50));
        let answer = get1(world.package, "/", &RED).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        for part in [
            "`package`",
            "`red`",
            "devspace logs --service package",
            "devspace status",
        ] {
            assert!(answer.body.contains(part), "{}", answer.body);
        }
        assert_eq!(answer.headers["devspace-served-by"], "router/package");
        let page = get1(world.package, "/", &[RED[0], ("accept", "text/html")]).await;
        assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_fallback_that_was_asked_for_is_taken_after_the_hold() {
    let baseline = backend::named("baseline").await;
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[], Duration::from_millis(50));
    let port = world.table.listeners.get_mut(&PACKAGE).unwrap();
    port.spaces.get_mut(&space("red")).unwrap().after = Some(Box::new(After::Baseline));
    world.publish();
    let answer = get1(world.package, "/", &RED).await;
    assert!(answer.body.starts_with("baseline "), "{}", answer.body);
    assert_eq!(answer.headers["devspace-served-by"], "baseline/package");
}

#[tokio::test]
async fn the_number_of_waiting_requests_is_bounded() {
    let mut settings = settings();
    settings.held_requests = 0;
    let mut world = World::with(settings, table(Protocol::Http, &[]));
    world.copy("red", &[], LONG);
    let answer = get1(world.package, "/", &RED).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("too many"), "{}", answer.body);
}

#[tokio::test]
async fn a_connection_that_comes_before_its_table_waits() {
    let baseline = backend::named("baseline").await;
    let mut settings = settings();
    settings.waits.unknown_listener = LONG;
    let world = World::without_table(settings, table(Protocol::Http, &[baseline.address]));
    let asked = get1(world.package, "/", &[]);
    let publish = async { world.publish() };
    let (answer, ()) = soon(async { tokio::join!(asked, publish) }).await;
    assert!(answer.body.starts_with("baseline "), "{}", answer.body);
}
