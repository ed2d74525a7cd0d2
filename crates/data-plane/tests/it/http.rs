//! HTTP/1.1, HTTP/2, gRPC and upgrades, keyless and keyed.

use std::time::Duration;

use bytes::Bytes;
use devspace_core::table::Protocol;
use futures::StreamExt;
use http::{Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::backend::{self, full, grpc_trailers, read_head, write};
use crate::client::{connect1, connect2, get, get1, get1_from, post, raw, read, request};
use crate::world::{World, soon, table};

const HOLD: Duration = Duration::from_secs(5);

#[tokio::test]
async fn the_key_decides_who_answers_and_nobody_else_does() {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[red.address], HOLD);

    let keyless = get1(world.package, "/a?b", &[]).await;
    assert!(
        keyless.body.starts_with("baseline HTTP/1.1 GET /a?b\n"),
        "{}",
        keyless.body
    );
    assert!(
        !keyless.body.contains("devspace-route-as") && keyless.headers.get("devspace-served-by").is_none()
    );

    let keyed = get1(world.package, "/", &[("devspace-route-as", "red")]).await;
    assert!(keyed.body.starts_with("red "), "{}", keyed.body);
    assert_eq!(keyed.headers["devspace-served-by"], "red/package");

    let baggage = get1(world.package, "/", &[("baggage", "a=1,devspace=red;p,b=2")]).await;
    assert!(baggage.body.starts_with("red "), "{}", baggage.body);
    for carrier in [
        "devspace-route-as: red",
        "azds-route-as: red",
        "baggage: a=1,devspace=red;p,b=2",
    ] {
        assert!(baggage.body.contains(carrier), "{carrier} in {}", baggage.body);
    }

    for other in ["blue", "unknown"] {
        let answer = get1(world.package, "/", &[("devspace-route-as", other)]).await;
        assert!(answer.body.starts_with("baseline "), "{}", answer.body);
        assert_eq!(answer.headers["devspace-served-by"], "baseline/package");
    }
}

#[tokio::test]
async fn a_pod_of_a_space_needs_no_header() {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[red.address], HOLD);
    world.caller("127.0.0.7", "red");
    assert!(
        get1_from("127.0.0.7", world.package, &[])
            .await
            .body
            .starts_with("red ")
    );
    assert!(
        get1_from("127.0.0.8", world.package, &[])
            .await
            .body
            .starts_with("baseline ")
    );
    let named = get1_from("127.0.0.7", world.package, &[("devspace-route-as", "blue")]).await;
    assert!(named.body.starts_with("baseline "), "{}", named.body);
}

#[tokio::test]
async fn a_new_table_counts_from_the_next_request_and_closes_nothing() {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    for expected in ["baseline ", "red "] {
        let answer = read(
            client
                .sender
                .send_request(get("/", &[("devspace-route-as", "red")]))
                .await
                .unwrap(),
        )
        .await;
        assert!(answer.body.starts_with(expected), "{}", answer.body);
        soon(client.sender.ready()).await.unwrap();
        world.copy("red", &[red.address], HOLD);
    }
}

#[tokio::test]
async fn http2_goes_on_as_http2_where_the_endpoint_speaks_it() {
    let (baseline, red) = (backend::named("baseline").await, backend::named("red").await);
    let mut world = World::start(table(Protocol::Http, &[baseline.address]));
    world.copy("red", &[red.address], HOLD);
    let mut client = connect2(world.package).await;
    let uri = "http://package/x";
    let keyless = read(soon(client.sender.send_request(get(uri, &[]))).await.unwrap()).await;
    assert!(
        keyless
            .body
            .starts_with("baseline HTTP/2.0 GET http://package/x\n"),
        "{}",
        keyless.body
    );
    let keyed = get(uri, &[("baggage", "devspace=red")]);
    let keyed = read(soon(client.sender.send_request(keyed)).await.unwrap()).await;
    assert!(keyed.body.starts_with("red HTTP/2.0"), "{}", keyed.body);
    assert_eq!(keyed.headers["devspace-served-by"], "red/package");
}

#[tokio::test]
async fn http2_goes_on_as_http1_where_the_endpoint_speaks_only_that() {
    let baseline = backend::raw_on(backend::listener().await, |mut socket| async move {
        let head = read_head(&mut socket).await;
        let answer = if head.starts_with("PRI ") {
            "HTTP/1.1 400 Bad Request\r\n\r\n"
        } else {
            ""
        };
        let body = if head.contains("cookie: a=1; b=2\r\n") {
            "joined"
        } else {
            "other"
        };
        write(&mut socket, answer).await;
        if answer.is_empty() {
            write(
                &mut socket,
                &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            )
            .await;
            read_head(&mut socket).await;
        }
    });
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    let mut client = connect2(world.package).await;
    for _ in 0..2 {
        let request = get("http://package/", &[("cookie", "a=1"), ("cookie", "b=2")]);
        let answer = read(soon(client.sender.send_request(request)).await.unwrap()).await;
        assert_eq!(answer.body, "joined");
    }
}

#[tokio::test]
async fn grpc_keeps_its_trailers_and_is_never_downgraded() {
    let baseline = backend::serve(backend::listener().await, |request| async move {
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.version(), Version::HTTP_2);
        let frames = futures::stream::iter([
            Ok(Frame::data(Bytes::from_static(b"msg"))),
            Ok(Frame::trailers(grpc_trailers())),
        ]);
        Response::new(StreamBody::new(frames).boxed_unsync())
    });
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    for protocol in [Protocol::Http, Protocol::Http2, Protocol::Detect] {
        let world = World::start(table(protocol, &[baseline.address]));
        let mut client = connect2(world.package).await;
        let request = request("POST", "http://package/s/m", &grpc)
            .body(Full::new(Bytes::new()))
            .unwrap();
        let answer = read(soon(client.sender.send_request(request)).await.unwrap()).await;
        assert_eq!(
            (answer.body.as_str(), &answer.trailers.unwrap()["grpc-status"]),
            ("msg", &"0".parse().unwrap())
        );
    }
    // No endpoint: the caller gets a gRPC status, not a page.
    let world = World::start(table(Protocol::Http2, &[]));
    let mut client = connect2(world.package).await;
    let answer = read(
        soon(client.sender.send_request(post("http://package/s/m", "", &grpc)))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.headers["grpc-status"]),
        (StatusCode::OK, &"14".parse().unwrap())
    );
}

#[tokio::test]
async fn an_upgrade_is_relayed_both_ways_after_the_endpoints_101() {
    let red = backend::raw_on(backend::listener().await, |mut socket| async move {
        let head = read_head(&mut socket).await;
        assert!(
            head.contains("upgrade: websocket\r\n") && head.contains("sec-websocket-key: k\r\n"),
            "{head}"
        );
        write(
            &mut socket,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
        )
        .await;
        let (mut read, mut write) = socket.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    });
    let mut world = World::start(table(Protocol::Http, &[]));
    world.copy("red", &[red.address], HOLD);
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: package\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\ndevspace-route-as: red\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let answer = soon(read_head(&mut socket)).await;
    assert!(
        answer.starts_with("HTTP/1.1 101") && answer.contains("upgrade: websocket"),
        "{answer}"
    );
    assert!(answer.contains("devspace-served-by: red/package"), "{answer}");
    let mut bytes = [0; 5];
    soon(socket.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"hello");
    // A change of the table leaves the tunnel alone.
    world.copy("red", &[], HOLD);
    socket.write_all(b"again").await.unwrap();
    soon(socket.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"again");
    socket.shutdown().await.unwrap();
    assert_eq!(soon(socket.read(&mut bytes)).await.unwrap(), 0);
}

#[tokio::test]
async fn bodies_stream_both_ways_and_trailers_pass() {
    let baseline = backend::serve(backend::listener().await, |request| async move {
        let trailers = request.headers().contains_key("te");
        // What comes in goes out frame by frame.
        let frames = request
            .into_body()
            .into_data_stream()
            .map(|chunk| Ok(Frame::data(chunk.unwrap())));
        let end = futures::stream::iter(trailers.then(|| Ok(Frame::trailers(grpc_trailers()))));
        let mut response = Response::new(StreamBody::new(frames.chain(end)).boxed_unsync());
        response
            .headers_mut()
            .insert("trailer", "grpc-status".parse().unwrap());
        response
    });
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    let (frames_tx, frames_rx) = mpsc::channel::<Result<Frame<Bytes>, std::convert::Infallible>>(1);
    let body = StreamBody::new(
        futures::stream::unfold(frames_rx, |mut rx| async { Some((rx.recv().await?, rx)) }).boxed(),
    );
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    let headers = [("te", "trailers"), ("connection", "te")];
    let sending = client
        .sender
        .send_request(request("POST", "/", &headers).body(body).unwrap());
    frames_tx.send(Ok(Frame::data("one".into()))).await.unwrap();
    // The first chunk is back before the second is sent.
    let mut answer = soon(sending).await.unwrap().into_body();
    let first = soon(answer.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one");
    frames_tx.send(Ok(Frame::data("two".into()))).await.unwrap();
    let second = soon(answer.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(second, "two");
    drop(frames_tx);
    let last = soon(answer.frame())
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(last["grpc-status"], "0");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_never_ends_well() {
    let baseline = backend::raw_on(backend::listener().await, |mut socket| async move {
        read_head(&mut socket).await;
        write(
            &mut socket,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        )
        .await;
    });
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    let answer = raw(world.package, "GET / HTTP/1.1\r\nHost: p\r\n\r\n").await;
    assert!(
        answer.contains("abc") && !answer.contains("0\r\n\r\n"),
        "{answer}"
    );
    let mut client = connect2(world.package).await;
    let response = soon(client.sender.send_request(get("http://p/", &[])))
        .await
        .unwrap();
    assert!(soon(response.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_the_request_upstream() {
    let (gone_tx, mut gone_rx) = mpsc::channel(1);
    let baseline = backend::raw_on(backend::listener().await, move |mut socket| {
        let gone_tx = gone_tx.clone();
        async move {
            read_head(&mut socket).await;
            let _ = gone_tx.send("asked").await;
            // The next thing that comes is the end.
            assert_eq!(socket.read(&mut [0]).await.unwrap_or(0), 0);
            let _ = gone_tx.send("gone").await;
        }
    });
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: p\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(soon(gone_rx.recv()).await, Some("asked"));
    drop(socket);
    assert_eq!(soon(gone_rx.recv()).await, Some("gone"));
}

#[tokio::test]
async fn a_body_waits_for_the_endpoints_100() {
    let baseline = backend::raw_on(backend::listener().await, |mut socket| async move {
        let head = read_head(&mut socket).await;
        assert!(head.contains("expect: 100-continue"), "{head}");
        if head.starts_with("POST /no") {
            write(
                &mut socket,
                "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno",
            )
            .await;
            read_head(&mut socket).await;
            return;
        }
        write(&mut socket, "HTTP/1.1 100 Continue\r\n\r\n").await;
        let mut body = [0; 4];
        socket.read_exact(&mut body).await.unwrap();
        write(&mut socket, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").await;
        let _ = socket.write_all(&body).await;
        read_head(&mut socket).await;
    });
    let mut settings = crate::world::settings();
    settings.waits.expect = Duration::from_secs(3600);
    let world = World::with(settings, table(Protocol::Http, &[baseline.address]));
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    let head = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: p\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    };
    socket.write_all(head("/yes").as_bytes()).await.unwrap();
    let interim = soon(read_head(&mut socket)).await;
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    socket.write_all(b"data").await.unwrap();
    assert!(soon(read_head(&mut socket)).await.starts_with("HTTP/1.1 200"));
    let mut socket = TcpStream::connect(world.package).await.unwrap();
    socket.write_all(head("/no").as_bytes()).await.unwrap();
    let refused = soon(read_head(&mut socket)).await;
    assert!(refused.starts_with("HTTP/1.1 417"), "{refused}");
}

#[tokio::test]
async fn answers_without_bodies_keep_their_heads() {
    let baseline = backend::serve(backend::listener().await, |request| async move {
        let mut response = Response::new(full(""));
        match request.uri().path() {
            "/304" => *response.status_mut() = StatusCode::NOT_MODIFIED,
            "/204" => *response.status_mut() = StatusCode::NO_CONTENT,
            _ => drop(
                response
                    .headers_mut()
                    .insert("content-length", "1234".parse().unwrap()),
            ),
        }
        response
    });
    let world = World::start(table(Protocol::Http, &[baseline.address]));
    let mut client = connect1(TcpStream::connect(world.package).await.unwrap()).await;
    for (path, status) in [("/304", 304), ("/204", 204), ("/", 200), ("/204", 204)] {
        let head = request("HEAD", path, &[]).body(Full::new(Bytes::new())).unwrap();
        let answer = read(soon(client.sender.send_request(head)).await.unwrap()).await;
        assert_eq!(answer.status, status);
        if path == "/" {
            assert_eq!(answer.headers["content-length"], "1234");
        }
        soon(client.sender.ready()).await.unwrap();
    }
}
