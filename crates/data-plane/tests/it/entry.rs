//! The gateway: hosts, cookie, tunnel, keys from outside.

use std::time::Duration;

use devspace_core::table::Protocol;
use devspace_data_plane::{Entry, Listeners};
use http::StatusCode;

use crate::backend::{self, Backend};
use crate::client::{get1, get1_from};
use crate::world::{PACKAGE, World, soon, space, table};

async fn world() -> (Backend, Backend, World) {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[red.address], Duration::from_secs(5));
    (baseline, red, world)
}

#[tokio::test]
async fn hosts_name_a_space_and_the_endpoint_sees_the_public_host() {
    let (_baseline, _red, world) = world().await;
    for host in [
        "red.s.shop.test",
        "red--shop.test:8080",
        "RED.S.SHOP.TEST",
        "red.localhost:4000",
    ] {
        let answer = get1(
            world.gateway,
            "/x",
            &[("host", host), ("devspace-route-as", "blue")],
        )
        .await;
        assert!(
            answer.body.starts_with("red HTTP/1.1 GET /x\nhost: shop.test\n")
                || answer.body.contains("\nhost: shop.test\n"),
            "{host}: {}",
            answer.body
        );
        assert!(
            answer.body.starts_with("red ") && answer.body.contains("devspace-route-as: red"),
            "{}",
            answer.body
        );
        assert!(
            answer.body.contains(&format!("x-forwarded-host: {host}")),
            "{}",
            answer.body
        );
        assert_eq!(answer.headers["devspace-served-by"], "red/package");
    }
    let public = get1(world.gateway, "/", &[("host", "shop.test")]).await;
    assert!(public.body.starts_with("baseline ") && public.headers.get("devspace-served-by").is_none());
}

#[tokio::test]
async fn unknown_spaces_and_hosts_get_a_page_and_never_the_baseline() {
    let (_baseline, _red, world) = world().await;
    for (host, cookie) in [
        ("gone.s.shop.test", ""),
        ("a--b--shop.test", ""),
        ("gone.localhost", ""),
        ("other.test", ""),
        ("shop.test", "a=b; devspace-space=gone"),
    ] {
        let answer = get1(world.gateway, "/", &[("host", host), ("cookie", cookie)]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{host}");
        assert!(!answer.body.contains("baseline HTTP"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_cookie_is_set_by_a_link_and_decides() {
    let (_baseline, _red, world) = world().await;
    let host = ("host", "shop.test");
    let enter = get1(world.gateway, "/.devspace/enter?space=red&to=/cart", &[host]).await;
    assert_eq!(
        (enter.status, &enter.headers["location"]),
        (StatusCode::SEE_OTHER, &"/cart".parse().unwrap())
    );
    let cookie = enter.headers["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let answer = get1(world.gateway, "/", &[host, ("cookie", &format!("a=b; {cookie}"))]).await;
    assert!(answer.body.starts_with("red "), "{}", answer.body);
    let elsewhere = get1(
        world.gateway,
        "/.devspace/enter?space=red&to=//evil.test",
        &[host],
    )
    .await;
    assert_eq!(elsewhere.headers["location"], "/");
    let unknown = get1(world.gateway, "/.devspace/enter?space=gone", &[host]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let leave = get1(world.gateway, "/.devspace/enter?space=", &[host]).await;
    assert!(
        leave.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
}

#[tokio::test]
async fn keys_from_outside_are_dropped_unless_allowed_and_pods_are_not_outside() {
    let (_baseline, _red, mut world) = world().await;
    let outside = [
        ("host", "shop.test"),
        ("devspace-route-as", "red"),
        ("baggage", "a=1,devspace=red"),
    ];
    let dropped = get1(world.gateway, "/", &outside).await;
    assert!(
        dropped.body.starts_with("baseline ")
            && !dropped.body.contains("devspace-")
            && !dropped.body.contains("devspace="),
        "{}",
        dropped.body
    );
    world.caller("127.0.0.7", "red");
    let tunnel = get1_from("127.0.0.7", world.gateway, &[("host", "127.0.0.1:41874")]).await;
    assert!(
        tunnel.body.starts_with("red ") && tunnel.body.contains("\nhost: shop.test\n"),
        "{}",
        tunnel.body
    );
    world.table.gateway.outside_keys = true;
    world.publish();
    assert!(get1(world.gateway, "/", &outside).await.body.starts_with("red "));
}

#[tokio::test]
async fn a_listener_stands_for_a_space_whoever_calls() {
    let (_baseline, _red, mut world) = world().await;
    let mut listeners = Listeners::default();
    let mut adopt = |entry: fn(u16) -> Entry| {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let number = socket.local_addr().unwrap().port();
        listeners.adopt(entry(number), socket).unwrap()
    };
    let (service, gateway, nobody) = (
        adopt(Entry::Listener),
        adopt(Entry::GatewayFor),
        adopt(Entry::GatewayFor),
    );
    world.router.add(listeners).unwrap();
    let package = world.table.listeners[&PACKAGE].clone();
    world.table.listeners.insert(service.port(), package);
    for listener in [service, gateway] {
        world.table.standing.insert(listener.port(), space("red"));
    }
    world.publish();
    let called = get1(service, "/", &[]).await;
    assert!(called.body.starts_with("red "), "{}", called.body);
    let other = get1(service, "/", &[("devspace-route-as", "blue")]).await;
    assert!(
        other.body.starts_with("baseline "),
        "a key of the request comes first: {}",
        other.body
    );
    let host = format!("127.0.0.1:{}", gateway.port());
    let entered = get1(gateway, "/", &[("host", &host)]).await;
    assert!(
        entered.body.starts_with("red ") && entered.body.contains("devspace-route-as: red"),
        "{}",
        entered.body
    );
    assert!(get1(world.package, "/", &[]).await.body.starts_with("baseline "));
    // An entry whose space the table does not name is nobody's, and closes.
    let mut stream = tokio::net::TcpStream::connect(nobody).await.unwrap();
    let mut byte = [0];
    let read = soon(tokio::io::AsyncReadExt::read(&mut stream, &mut byte)).await;
    assert_eq!(read.unwrap(), 0);
}
