//! How the running agents are reached, for those who ask at the socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use devspace_core::ports::AGENT_CONTROL;
use devspace_sync::session::{ByteStream, Dial, DialError};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::{TcpStream, UnixStream};

use crate::log::Log;
use crate::protocol::Context;

/// One agent.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Its control socket.
    pub(crate) control: PathBuf,
    /// Declared to picked.
    pub(crate) ports: BTreeMap<u16, u16>,
    pub(crate) log: Arc<Log>,
    pub(crate) context: Context,
}

/// All agents, by namespace and service.
#[derive(Debug, Default)]
pub(crate) struct Reaches(Mutex<BTreeMap<(String, String), Arc<Reach>>>);

// === impl Reaches ===

impl Reaches {
    pub(crate) fn get(&self, namespace: &str, service: &str) -> Option<Arc<Reach>> {
        let key = (namespace.to_owned(), service.to_owned());
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&key).cloned()
    }

    pub(crate) fn set(&self, namespace: &str, service: &str, reach: Option<Arc<Reach>>) {
        let key = (namespace.to_owned(), service.to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reach {
            Some(reach) => all.insert(key, reach),
            None => all.remove(&key),
        };
    }
}

// === impl Reach ===

impl Reach {
    /// A connection to the port that plays the part of `port` in the copy.
    pub(crate) async fn dial(&self, port: u16) -> std::io::Result<Box<dyn ByteStream>> {
        if port == AGENT_CONTROL {
            return Ok(Box::new(UnixStream::connect(&self.control).await?));
        }
        let picked = self.ports.get(&port).copied().unwrap_or(port);
        let stream = TcpStream::connect(("127.0.0.1", picked)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

impl Dial for Reach {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn ByteStream>, DialError>> {
        Reach::dial(self, AGENT_CONTROL)
            .map(|dialled| {
                dialled.map_err(|error| DialError::caused_by("the agent does not answer yet", error))
            })
            .boxed()
    }
}
