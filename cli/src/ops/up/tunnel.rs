//! Local addresses that lead into a space or into a copy, with no DNS.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use devspace_sync::session::{Dial, Tunnel};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::event::Event;
use crate::report::one_line;

/// Ports for a space are taken from here on, by its name: the same space gets the same port as long as it is free.
/// The range is below the ports that systems hand out by themselves (Linux: from 32768 on).
const FIRST: u16 = 8100;
/// How many.
const RANGE: u16 = 1800;

/// The two addresses of a space.
pub(super) struct Entrance {
    /// `http://red.localhost:PORT`, for browsers and curl.
    pub(super) browser: String,
    /// `http://127.0.0.1:PORT`, for every other client.
    pub(super) address: String,
    /// Accepts and relays; ends with this value.
    _tasks: JoinSet<()>,
}

impl Entrance {
    /// Listens on loopback and relays what comes through `tunnels` to the baseline's gateway.
    /// The gateway knows the space by the host name, or by the pod through which the connection comes.
    ///
    /// # Errors
    /// No port could be opened.
    pub(super) async fn open(baseline: &str, space: &str, tunnels: Tunnel) -> io::Result<Self> {
        let mut tasks = JoinSet::new();
        let browser = listen(port_for(baseline, space, "browser")).await?;
        let address = listen(port_for(baseline, space, "address")).await?;
        let entrance = (
            format!("http://{space}.localhost:{}", browser.port),
            format!("http://127.0.0.1:{}", address.port),
        );
        for listener in browser.listeners.into_iter().chain(address.listeners) {
            let tunnels = tunnels.clone();
            tasks.spawn(accept(listener, move |stream| {
                let tunnels = tunnels.clone();
                async move {
                    if let Err(error) = tunnels.relay(stream).await {
                        tracing::debug!(%error, "a connection through the tunnel ended");
                    }
                }
            }));
        }
        Ok(Self {
            browser: entrance.0,
            address: entrance.1,
            _tasks: tasks,
        })
    }
}

/// A port of a copy, reachable here.
pub(crate) struct Forward {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    _tasks: JoinSet<()>,
}

impl Forward {
    /// Listens on `port` of 127.0.0.1, 0 for any, and relays each connection over one of `dial`.
    /// A connection that cannot be made is told on `event_tx`.
    ///
    /// # Errors
    /// The port is taken.
    pub(crate) async fn open(
        port: u16,
        dial: Arc<dyn Dial>,
        service: String,
        event_tx: mpsc::Sender<Event>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, move |mut stream| {
            let (dial, service, event_tx) = (Arc::clone(&dial), service.clone(), event_tx.clone());
            async move {
                match dial.dial().await {
                    Ok(mut far) => drop(tokio::io::copy_bidirectional(&mut stream, &mut far).await),
                    Err(error) => {
                        let message = format!("a connection was refused: {}", one_line(&error));
                        let service = Some(service);
                        drop(event_tx.send(Event::Warning { service, message }).await);
                    }
                }
            }
        }));
        Ok(Self {
            address: format!("127.0.0.1:{port}"),
            _tasks: tasks,
        })
    }
}

struct Listening {
    port: u16,
    listeners: Vec<TcpListener>,
}

/// Listens on both loopback addresses, at `wanted` or, if that is taken, at any port. Where there is no IPv6, one is enough:
/// browsers that find `::1` refused go on with 127.0.0.1.
async fn listen(wanted: u16) -> io::Result<Listening> {
    let four = match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
    };
    let port = four.local_addr()?.port();
    let mut listeners = vec![four];
    listeners.extend(
        TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port)))
            .await
            .ok(),
    );
    Ok(Listening { port, listeners })
}

/// The port that a space gets first. FNV-1a: the same on every machine and in every version.
fn port_for(baseline: &str, space: &str, purpose: &str) -> u16 {
    let text = format!("{baseline}/{space}/{purpose}");
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    FIRST + u16::try_from(hash % u32::from(RANGE)).unwrap_or_default()
}

/// Accepts until dropped. Connections end with it.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Small answers must not wait for more.
                    drop(stream.set_nodelay(true));
                    connections.spawn(serve(stream));
                }
                // Out of file descriptors, or a connection that was gone before it was taken: others may end meanwhile.
                Err(error) => {
                    tracing::debug!(%error, "a local connection was not accepted");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_keeps_its_port() {
        assert_eq!(
            port_for("shop", "red", "browser"),
            port_for("shop", "red", "browser")
        );
        assert_ne!(
            port_for("shop", "red", "browser"),
            port_for("shop", "red", "address")
        );
        assert_ne!(
            port_for("shop", "red", "browser"),
            port_for("shop", "blue", "browser")
        );
        assert!((FIRST..FIRST + RANGE).contains(&port_for("a", "b", "c")));
    }

    #[tokio::test]
    async fn a_taken_port_is_replaced() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(listen(port).await.unwrap().port, port);
    }
}
