//! One accepted connection: who calls, what is spoken, and serving it until it ends or the router drains.

mod clock;
mod detect;
mod io;
mod serve;

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use devspace_core::SpaceName;
use devspace_core::table::{Protocol, RouteTable};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::debug;

pub(crate) use clock::Busy;

use self::detect::{Spoken, Start};
use crate::listeners::Entry;
use crate::opaque;
use crate::pool::tune;
use crate::worker::Worker;

/// What is known of a connection for as long as it lives.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Where it came in.
    pub(crate) entry: Entry,
    /// Who opened it.
    pub(crate) peer: SocketAddr,
    /// The space of the calling pod, read once at accept.
    pub(crate) caller: Option<SpaceName>,
}

/// Serves one accepted connection to its end.
pub(crate) async fn run(worker: Rc<Worker>, entry: Entry, socket: TcpStream, peer: SocketAddr) {
    tune(&socket);
    let Some(protocol) = known(&worker, entry).await else {
        debug!(?entry, "connection to a listener that no service has");
        return;
    };
    let caller = caller(&worker.tables.load(), entry, peer);
    let connection = Rc::new(Connection { entry, peer, caller });
    let ended = async {
        match (protocol, entry) {
            (Protocol::Opaque, Entry::Listener(listener)) => {
                opaque::serve(&worker, &connection, listener, socket, None).await;
            }
            (Protocol::Detect, Entry::Listener(listener)) => {
                detected(&worker, &connection, listener, socket).await;
            }
            _ => http(&worker, connection, socket).await,
        }
    };
    // What is open when a drain's limit has passed is cut.
    tokio::select! {
        () = ended => {}
        () = worker.cut.cancelled() => {}
    }
}

/// The space of the pod that calls: by its address, else the one that the entry stands for.
fn caller(table: &RouteTable, entry: Entry, peer: SocketAddr) -> Option<SpaceName> {
    let by_address = table.callers.get(&plain_address(peer.ip()));
    let by_entry = || table.standing.get(&entry.number()?);
    by_address.or_else(by_entry).cloned()
}

/// What the table says of the entry. A connection that came before the table knows its listener waits a while.
async fn known(worker: &Worker, entry: Entry) -> Option<Protocol> {
    let protocol = |table: &RouteTable| match entry {
        Entry::Gateway => Some(Protocol::Http),
        Entry::Listener(listener) => table.listeners.get(&listener).map(|port| port.protocol),
        // Without its space it would be everybody's entry.
        Entry::GatewayFor(number) => table.standing.contains_key(&number).then_some(Protocol::Http),
    };
    if let Some(protocol) = protocol(&worker.tables.load()) {
        return Some(protocol);
    }
    let waiting = async {
        let mut changes = worker.tables.changes();
        loop {
            if let Some(protocol) = protocol(&worker.tables.load()) {
                return protocol;
            }
            changes.next().await;
        }
    };
    timeout(worker.settings.waits.unknown_listener, waiting)
        .await
        .ok()
}

async fn http(worker: &Rc<Worker>, connection: Rc<Connection>, mut socket: TcpStream) {
    // A connection that says nothing yet may stay: callers open them ahead of need.
    let start = tokio::select! {
        start = detect::start(&mut socket, worker.settings.head.read) => start,
        () = silent_at_drain(worker) => None,
    };
    match start {
        Some(Start {
            spoken: Spoken::Http2,
            bytes,
        }) => serve::http2(worker, connection, socket, bytes).await,
        Some(Start { bytes, .. }) => serve::http1(worker, connection, socket, bytes).await,
        None => {}
    }
}

/// Waits until the router drains and a caller has had the time to say something.
async fn silent_at_drain(worker: &Worker) {
    worker.drain.cancelled().await;
    sleep(worker.settings.drain.idle).await;
}

/// A port that declares nothing: the caller's first bytes tell, and a server that speaks first is not kept waiting.
async fn detected(worker: &Rc<Worker>, connection: &Rc<Connection>, listener: u16, mut socket: TcpStream) {
    let mut upstream = None;
    let mut byte = [0];
    if timeout(worker.settings.waits.detect, socket.peek(&mut byte))
        .await
        .is_err()
    {
        let Some(connected) = opaque::connect(worker, connection, listener).await else {
            return;
        };
        let server_first = tokio::select! {
            biased;
            _ = socket.peek(&mut byte) => false,
            _ = connected.stream.readable() => true,
        };
        if server_first {
            opaque::relay(worker, socket, connected.stream, Vec::new()).await;
            return;
        }
        upstream = Some(connected);
    }
    match detect::start(&mut socket, worker.settings.head.read).await {
        Some(Start {
            spoken: Spoken::Http2,
            bytes,
        }) => {
            serve::http2(worker, Rc::clone(connection), socket, bytes).await;
        }
        Some(Start {
            spoken: Spoken::Http1,
            bytes,
        }) => {
            serve::http1(worker, Rc::clone(connection), socket, bytes).await;
        }
        Some(Start {
            spoken: Spoken::Other,
            bytes,
        }) => match upstream {
            Some(upstream) => opaque::relay(worker, socket, upstream.stream, bytes.to_vec()).await,
            None => opaque::serve(worker, connection, listener, socket, Some(bytes)).await,
        },
        None => {}
    }
}

/// A socket that serves both families shows IPv4 callers as mapped addresses (RFC 4291, section 2.5.5.2).
pub(crate) fn plain_address(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
