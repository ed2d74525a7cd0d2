//! Duties of an intermediary, and what must not get through (RFC 9110, 9112, 9113).

use devspace_core::table::Protocol;

use crate::backend::{self, read_head, write};
use crate::client::{get1, raw};
use crate::world::{World, table};

async fn world() -> (backend::Backend, World) {
    let baseline = backend::named("baseline").await;
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    (baseline, world)
}

#[tokio::test]
async fn fields_of_one_hop_are_not_forwarded() {
    let (_baseline, world) = world().await;
    let headers = [
        ("connection", "x-hop, baggage"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=1"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip"),
        ("upgrade", "h2c"),
        ("baggage", "a=1"),
        ("x-end", "1"),
    ];
    let seen = get1(world.package, "/", &headers).await.body;
    for gone in [
        "x-hop",
        "keep-alive",
        "proxy-connection",
        "te:",
        "upgrade",
        "connection",
    ] {
        assert!(!seen.contains(&format!("\n{gone}")), "{gone} in {seen}");
    }
    assert!(
        seen.contains("x-end: 1") && seen.contains("baggage: a=1") && seen.contains("via: 1.1 devspace"),
        "{seen}"
    );
}

#[tokio::test]
async fn requests_that_could_be_read_in_two_ways_are_refused() {
    let (baseline, world) = world().await;
    let line = "GET / HTTP/1.1\r\n";
    for (request, status) in [
        (format!("{line}\r\n"), "400"),
        (format!("{line}Host: a\r\nHost: b\r\n\r\n"), "400"),
        (format!("{line}Host: a b/c\r\n\r\n"), "400"),
        (format!("{line}Host: a\r\nX : y\r\n\r\n"), "400"),
        (format!("{line}Host: a\r\n folded\r\n\r\n"), "400"),
        (format!("{line}Host: a\r\nX: a\0b\r\n\r\n"), "400"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".into(),
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".into(),
            "501",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n".into(),
            "400",
        ),
        (
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            "400",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".into(),
            "400",
        ),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".into(), "405"),
        (
            "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na".into(),
            "400",
        ),
        (
            format!("{line}Host: a\r\nX: {}\r\n\r\n", "y".repeat(70_000)),
            "431",
        ),
    ] {
        // `Connection: close` makes the good part of the connection end too.
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let answer = raw(world.package, &request).await;
        let short: String = request.chars().take(80).collect();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{short:?} got {answer:.200}"
        );
    }
    drop(baseline);
}

#[tokio::test]
async fn a_length_beside_chunked_never_reaches_the_endpoint() {
    let (_baseline, world) = world().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = raw(world.package, request).await;
    assert!(
        !answer.contains("content-length: 5") && !answer.contains("/smuggled"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_target_wins_over_the_host_and_old_versions_are_served() {
    let (_baseline, world) = world().await;
    let absolute = "GET http://right.test/x HTTP/1.1\r\nHost: wrong.test\r\nConnection: close\r\n\r\n";
    let answer = raw(world.package, absolute).await;
    assert!(
        answer.contains("host: right.test\n") && answer.contains("GET /x\n"),
        "{answer}"
    );
    let old = raw(world.package, "GET /old HTTP/1.0\r\n\r\n").await;
    assert!(
        old.starts_with("HTTP/1.0 200") && old.contains("baseline HTTP/1.1 GET /old"),
        "{old}"
    );
}

#[tokio::test]
async fn max_forwards_is_counted_down() {
    let (_baseline, world) = world().await;
    let of = |left: &str| {
        format!("OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: {left}\r\nConnection: close\r\n\r\n")
    };
    let forwarded = raw(world.package, &of("3")).await;
    assert!(
        forwarded.contains("OPTIONS *") && forwarded.contains("max-forwards: 2"),
        "{forwarded}"
    );
    let ended = raw(world.package, &of("0")).await;
    assert!(
        ended.starts_with("HTTP/1.1 200") && !ended.contains("baseline"),
        "{ended}"
    );
}

#[tokio::test]
async fn sloppy_answers_become_502_or_are_cleaned() {
    let answer_with = |head: &'static str| async move {
        let baseline = backend::raw_on(backend::listener().await, move |mut socket| async move {
            read_head(&mut socket).await;
            write(&mut socket, head).await;
        });
        let world = World::start(table(Protocol::Http, &[baseline.address]));
        raw(
            world.package,
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        )
        .await
    };
    for bad in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let answer = answer_with(bad).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{bad:?} got {answer}");
    }
    let both = answer_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: x-y\r\nX-Y: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    assert!(both.starts_with("HTTP/1.1 200") && both.contains("ok"), "{both}");
    assert!(
        !both.contains("content-length") && !both.to_ascii_lowercase().contains("x-y"),
        "{both}"
    );
}
