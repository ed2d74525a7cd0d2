//! Callers under test.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::world::soon;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: Option<HeaderMap>,
}

/// One HTTP/1.1 connection.
pub(crate) struct Client1<B> {
    pub(crate) sender: http1::SendRequest<B>,
    _task: JoinSet<()>,
}

/// One HTTP/2 connection.
pub(crate) struct Client2<B> {
    pub(crate) sender: http2::SendRequest<B>,
    pub(crate) task: JoinSet<Result<(), hyper::Error>>,
}

pub(crate) async fn connect1<B>(socket: TcpStream) -> Client1<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let _ = connection.await;
    });
    Client1 { sender, _task: task }
}

pub(crate) async fn connect2<B>(to: SocketAddr) -> Client2<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let socket = TcpStream::connect(to).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .unwrap();
    let mut task = JoinSet::new();
    task.spawn(connection);
    Client2 { sender, task }
}

pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    request("GET", path, headers).body(Empty::new()).unwrap()
}

pub(crate) fn post(path: &str, body: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    request("POST", path, headers)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> http::request::Builder {
    let mut builder = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) && !path.starts_with("http:") {
        builder = builder.header("host", "package");
    }
    headers
        .iter()
        .fold(builder, |builder, (name, value)| builder.header(*name, *value))
}

/// One GET over HTTP/1.1 on a connection of its own.
pub(crate) async fn get1(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut client = connect1(TcpStream::connect(to).await.unwrap()).await;
    read(
        soon(client.sender.send_request(get(path, headers)))
            .await
            .unwrap(),
    )
    .await
}

/// The same from another loopback address.
pub(crate) async fn get1_from(from: &str, to: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    let mut client = connect1(socket_from(from, to).await).await;
    read(soon(client.sender.send_request(get("/", headers))).await.unwrap()).await
}

pub(crate) async fn socket_from(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    soon(socket.connect(to)).await.unwrap()
}

pub(crate) async fn read(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let collected = soon(body.collect()).await.unwrap();
    let trailers = collected.trailers().cloned();
    let body = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
        trailers,
    }
}

/// Sends raw bytes and reads until the router closes.
pub(crate) async fn raw(to: SocketAddr, bytes: &str) -> String {
    let mut socket = TcpStream::connect(to).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = soon(socket.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}
