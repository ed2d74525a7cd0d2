//! The connections to the agent of one pod: control and bulk, each with a dial of its own.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, stream};
use http::header::CONTENT_ENCODING;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{ClientIdentity, Dial, DialError};
use crate::manifest::Manifest;
use crate::protocol::{Committed, Heartbeat, Hello, Numbered, Problem, SESSION_HEADER, State, Welcome};
use crate::wire::{self, Body, Connection};

/// Events that may wait for the driver; more hold the agent's stream back, whose log is bounded.
const EVENTS: usize = 1024;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("cannot reach the copy")]
    Dial(#[from] DialError),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("the agent's answer cannot be read")]
    Answer(#[source] io::Error),
    /// The agent refused, and says why.
    #[error("the agent refused: {0:?}")]
    Problem(Problem),
}

/// A connected agent.
pub(super) struct Link {
    dial: Arc<dyn Dial>,
    session: HeaderValue,
    control: Connection,
    bulk: Option<Connection>,
    readers: JoinSet<()>,
}

/// A batch on its way out.
pub(super) enum Outgoing {
    /// All of it, for the control connection.
    Small(Bytes),
    /// A compressed stream, for the bulk connection.
    Large(mpsc::Receiver<io::Result<Bytes>>),
}

// === impl Link ===

impl Link {
    /// Connects; nothing is said yet.
    pub(super) async fn open(dial: Arc<dyn Dial>, client: &ClientIdentity) -> Result<Self, LinkError> {
        let session = HeaderValue::from_str(&client.session_id)
            .map_err(|error| LinkError::Answer(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let control = wire::connect(dial.dial().await?).await?;
        Ok(Self {
            dial,
            session,
            control,
            bulk: None,
            readers: JoinSet::new(),
        })
    }

    pub(super) async fn hello(&mut self, hello: &Hello) -> Result<Welcome, LinkError> {
        self.ask("/hello", hello).await
    }

    pub(super) async fn heartbeat(&mut self, heartbeat: &Heartbeat) -> Result<State, LinkError> {
        self.ask("/heartbeat", heartbeat).await
    }

    pub(super) async fn verify(&mut self) -> Result<State, LinkError> {
        self.ask("/verify", &()).await
    }

    pub(super) async fn restart(&mut self) -> Result<(), LinkError> {
        self.ask("/restart", &()).await
    }

    /// What the copy holds.
    pub(super) async fn manifest(&mut self) -> Result<Manifest, LinkError> {
        let request = self.request(Method::GET, "/manifest", empty());
        let packed = body_of(self.bulk().await?.requests.send_request(request).await?).await?;
        let text = zstd::decode_all(packed.as_ref()).map_err(LinkError::Answer)?;
        serde_json::from_slice(&text).map_err(|error| LinkError::Answer(error.into()))
    }

    /// Sends a batch and waits for its commit.
    pub(super) async fn batch(&mut self, batch: Outgoing) -> Result<Committed, LinkError> {
        let response = match batch {
            Outgoing::Small(bytes) => {
                let body = Full::new(bytes).map_err(|never| match never {}).boxed();
                let request = self.request(Method::POST, "/batch", body);
                self.control.requests.send_request(request).await?
            }
            Outgoing::Large(parts) => {
                let frames = received(parts, |part: io::Result<Bytes>| part.map(Frame::data));
                let body = BodyExt::boxed(StreamBody::new(frames));
                let mut request = self.request(Method::POST, "/batch", body);
                request
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
                self.bulk().await?.requests.send_request(request).await?
            }
        };
        parse(&body_of(response).await?)
    }

    /// The events after `number`, until the connection breaks or the session has lost the copy.
    pub(super) async fn events(&mut self, number: u64) -> Result<mpsc::Receiver<Numbered>, LinkError> {
        let request = self.request(Method::GET, &format!("/events?after={number}"), empty());
        let response = self.control.requests.send_request(request).await?;
        if !response.status().is_success() {
            return Err(body_of(response)
                .await
                .err()
                .unwrap_or(LinkError::Problem(Problem::Unknown)));
        }
        let (event_tx, event_rx) = mpsc::channel(EVENTS);
        // The only other body read on this connection is that of an answer; both are always read.
        self.readers.spawn(async {
            if let Err(error) = read_events(response, event_tx).await {
                tracing::debug!(%error, "the events of the copy ended");
            }
        });
        Ok(event_rx)
    }

    async fn bulk(&mut self) -> Result<&mut Connection, LinkError> {
        let is_up = match &mut self.bulk {
            Some(bulk) => bulk.requests.ready().await.is_ok(),
            None => false,
        };
        if !is_up {
            self.bulk = None;
        }
        match &mut self.bulk {
            Some(bulk) => Ok(bulk),
            slot @ None => Ok(slot.insert(wire::connect(self.dial.dial().await?).await?)),
        }
    }

    async fn ask<T: DeserializeOwned>(&mut self, path: &str, body: &impl Serialize) -> Result<T, LinkError> {
        let text = serde_json::to_vec(body).map_err(|error| LinkError::Answer(error.into()))?;
        let body = Full::new(Bytes::from(text))
            .map_err(|never| match never {})
            .boxed();
        let request = self.request(Method::POST, path, body);
        parse(&body_of(self.control.requests.send_request(request).await?).await?)
    }

    fn request(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://agent{path}").parse().unwrap_or_default();
        request.headers_mut().insert(SESSION_HEADER, self.session.clone());
        request
    }
}

pub(super) fn empty() -> Body {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed()
}

/// A channel as a stream.
fn received<T: Send + 'static, U>(
    receiver: mpsc::Receiver<T>,
    each: impl Fn(T) -> U + Send + Sync + 'static,
) -> impl Stream<Item = U> + Send + Sync {
    let each = Arc::new(each);
    stream::unfold((receiver, each), |(mut receiver, each)| async {
        let item = each(receiver.recv().await?);
        Some((item, (receiver, each)))
    })
}

pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, LinkError> {
    serde_json::from_slice(text).map_err(|error| LinkError::Answer(error.into()))
}

pub(super) async fn body_of(response: Response<Incoming>) -> Result<Bytes, LinkError> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    Err(LinkError::Problem(
        serde_json::from_slice(&body).unwrap_or(Problem::Unknown),
    ))
}

async fn read_events(
    response: Response<Incoming>,
    events: mpsc::Sender<Numbered>,
) -> Result<(), hyper::Error> {
    let mut body = response.into_body();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        rest.extend_from_slice(&data);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
            continue;
        };
        let tail = rest.split_off(end + 1);
        for line in std::mem::replace(&mut rest, tail)
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match serde_json::from_slice(line) {
                Ok(event) => {
                    if events.send(event).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) => tracing::debug!(%error, "an event of the copy cannot be read"),
            }
        }
    }
    Ok(())
}
