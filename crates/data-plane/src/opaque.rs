//! Ports that are not HTTP: bytes, routed once per connection by the caller's space.

use std::rc::Rc;

use bytes::Bytes;
use devspace_core::table::Backend;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::conn::{Connection, plain_address};
use crate::pool::Wanted;
use crate::proxy::{Search, pick};
use crate::worker::Worker;

/// A connection to an endpoint.
pub(crate) struct Upstream {
    pub(crate) stream: TcpStream,
}

/// Relays one connection. `first` is what was read of the caller already. The upstream is connected at once, so
/// that servers that speak first can.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    connection: &Connection,
    listener: u16,
    socket: TcpStream,
    first: Option<Bytes>,
) {
    let Some(upstream) = connect(worker, connection, listener).await else {
        return;
    };
    relay(
        worker,
        socket,
        upstream.stream,
        first.map(|bytes| bytes.to_vec()).unwrap_or_default(),
    )
    .await;
}

/// Connects to who answers the caller's space, waiting for a copy that restarts as long as its hold says.
pub(crate) async fn connect(worker: &Worker, connection: &Connection, listener: u16) -> Option<Upstream> {
    let to = Backend::Listener(listener);
    let carriers = worker.tables.load().carriers;
    let search = Search {
        to: &to,
        key: connection.caller.as_ref().filter(|_| carriers.calling_pod),
        peer: plain_address(connection.peer.ip()),
        wanted: Wanted::Http1,
    };
    let begun = Instant::now();
    let mut changes = worker.tables.changes();
    let mut pause = worker.settings.waits.retry.0;
    loop {
        let step = pick(worker, &search, begun.elapsed())?;
        for address in &step.endpoints {
            if let Ok(stream) = worker.pool.connect(*address).await {
                return Some(Upstream { stream });
            }
        }
        let left = step.hold.saturating_sub(begun.elapsed());
        if left.is_zero() {
            debug!(service = %step.route.service, "no endpoint takes the connection");
            return None;
        }
        tokio::select! {
            () = changes.next() => {}
            () = sleep(pause.min(left)) => pause = (pause * 2).min(worker.settings.waits.retry.1),
        }
    }
}

/// Bytes both ways. An end of one direction is passed on and the other goes on (half-close).
pub(crate) async fn relay(worker: &Worker, mut caller: TcpStream, mut endpoint: TcpStream, first: Vec<u8>) {
    worker.metrics.shared.tunnels.inc();
    let copied = async {
        if !first.is_empty() {
            endpoint.write_all(&first).await?;
        }
        copy_bidirectional(&mut caller, &mut endpoint).await
    };
    if let Err(error) = copied.await {
        debug!(%error, "relay ended");
    }
    worker.metrics.shared.tunnels.dec();
}
