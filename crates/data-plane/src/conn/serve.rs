//! hyper's server side of one connection.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use hyper::server::conn::{http1 as server1, http2 as server2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tracing::debug;

use super::Connection;
use super::clock::{Clock, End};
use super::io::CallerIo;
use crate::exec::LocalExec;
use crate::proxy;
use crate::worker::Worker;

/// The read buffer must hold the largest head.
const READ_BUFFER_FACTOR: usize = 2;

pub(super) async fn http1(worker: &Rc<Worker>, connection: Rc<Connection>, socket: TcpStream, first: Bytes) {
    let clock = Arc::<Clock>::default();
    let io = TokioIo::new(CallerIo::new(socket, first, Arc::clone(&clock)));
    let settings = &worker.settings;
    let bytes = usize::try_from(settings.head.bytes).unwrap_or(usize::MAX);
    let serving = server1::Builder::new()
        // hyper's own head time-out would end idle connections as well, so the clock has one of its own.
        .header_read_timeout(None)
        .max_headers(settings.head.fields)
        .max_header_size(bytes)
        .max_buf_size(bytes.saturating_mul(READ_BUFFER_FACTOR))
        .serve_connection(
            io,
            service_fn(|request| {
                let busy = clock.begin();
                let (worker, connection) = (Rc::clone(worker), Rc::clone(&connection));
                async move { Ok::<_, Infallible>(proxy::handle(worker, connection, request, busy).await) }
            }),
        )
        .with_upgrades();
    let mut serving = pin!(serving);
    let mut end = pin!(async {
        tokio::select! {
            end = clock.head_timeout(settings.head.read) => end,
            end = clock.drained(&worker.drain, settings.drain.idle) => end,
        }
    });
    let result = tokio::select! {
        result = serving.as_mut() => result,
        end = end.as_mut() => match end {
            End::HeadTimeout => {
                debug!(peer = %connection.peer, "head was not finished in time");
                return;
            }
            End::Drained => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        },
    };
    if let Err(error) = result {
        debug!(peer = %connection.peer, %error, "connection ended");
    }
}

pub(super) async fn http2(worker: &Rc<Worker>, connection: Rc<Connection>, socket: TcpStream, first: Bytes) {
    let clock = Arc::<Clock>::default();
    let io = TokioIo::new(CallerIo::new(socket, first, Arc::clone(&clock)));
    let limits = &worker.settings.http2;
    let (stream, window) = limits.client_windows;
    let serving = server2::Builder::new(LocalExec(worker.tasks.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(stream)
        .initial_connection_window_size(window)
        .max_header_list_size(worker.settings.head.bytes)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_local_error_reset_streams(limits.local_resets)
        .max_send_buf_size(limits.send_buffer)
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping_answer)
        .serve_connection(
            io,
            service_fn(|request| {
                let busy = clock.begin();
                let (worker, connection) = (Rc::clone(worker), Rc::clone(&connection));
                async move { Ok::<_, Infallible>(proxy::handle(worker, connection, request, busy).await) }
            }),
        );
    let mut serving = pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        // hyper sends GOAWAY in two steps (RFC 9113, section 6.8), so no stream is lost.
        () = clock.drained_after_first(&worker.drain, worker.settings.drain.idle) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        debug!(peer = %connection.peer, %error, "connection ended");
    }
}
