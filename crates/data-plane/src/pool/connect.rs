//! New connections to endpoints.

use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1 as client1, http2 as client2};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::ConnectError;
use super::io::UpstreamIo;
use super::probe::{FirstBytes, Proof};
use crate::body::RequestBody;
use crate::exec::LocalExec;
use crate::settings::Settings;

/// The buffer of a response head must hold the largest head.
const READ_BUFFER_FACTOR: usize = 2;
/// How long sent bytes may stay unacknowledged before the kernel gives the connection up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Sets what every proxied socket has: no delay of small segments, and keep-alive, so that dead peers are noticed.
pub(crate) fn tune(socket: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let reference = SockRef::from(socket);
    // A socket that refuses an option still carries bytes.
    let results = [
        socket.set_nodelay(true),
        reference.set_tcp_keepalive(&keepalive),
        reference.set_tcp_user_timeout(Some(UNACKNOWLEDGED)),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        debug!(%error, "socket option was refused");
    }
}

pub(super) async fn http1(
    socket: &Arc<TcpStream>,
    settings: &Settings,
    tasks: &TaskTracker,
) -> Result<client1::SendRequest<RequestBody>, ConnectError> {
    let io = TokioIo::new(UpstreamIo {
        socket: Arc::clone(socket),
        first: None,
    });
    let bytes = usize::try_from(settings.head.bytes).unwrap_or(usize::MAX);
    let (sender, connection) = client1::Builder::new()
        .max_headers(settings.head.fields)
        .max_header_size(bytes)
        .max_buf_size(bytes.saturating_mul(READ_BUFFER_FACTOR))
        .handshake(io)
        .await
        .map_err(ConnectError::Handshake)?;
    tasks.spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            debug!(%error, "upstream connection ended");
        }
    });
    Ok(sender)
}

pub(super) async fn http2(
    socket: &Arc<TcpStream>,
    settings: &Settings,
    tasks: &TaskTracker,
    proof: Proof,
) -> Result<client2::SendRequest<RequestBody>, ConnectError> {
    let limits = &settings.http2;
    let first = (proof == Proof::Needed).then(Arc::<FirstBytes>::default);
    let io = TokioIo::new(UpstreamIo {
        socket: Arc::clone(socket),
        first: first.clone(),
    });
    let (stream, window) = limits.upstream_windows;
    let (sender, connection) = client2::Builder::new(LocalExec(tasks.clone()))
        .timer(TokioTimer::new())
        .initial_stream_window_size(stream)
        .initial_connection_window_size(window)
        .max_header_list_size(settings.head.bytes)
        .max_send_buf_size(limits.send_buffer)
        .max_local_error_reset_streams(limits.local_resets)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping_answer)
        .handshake(io)
        .await
        .map_err(ConnectError::Handshake)?;
    let watched = first.clone();
    tasks.spawn_local(async move {
        if let Err(error) = connection.await {
            debug!(%error, "upstream connection ended");
        }
        if let Some(first) = watched {
            first.end();
        }
    });
    if let Some(first) = first {
        let spoken = tokio::time::timeout(settings.waits.connect, first.is_http2()).await;
        if !matches!(spoken, Ok(true)) {
            return Err(ConnectError::NotHttp2);
        }
    }
    Ok(sender)
}
