//! Which session has the copy. The newest session takes it; one that comes back does not take it from another.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, OnceLock, PoisonError};

use bytes::Bytes;
use devspace_sync::protocol::{AgentEvent, Numbered, Problem, SESSION_HEADER};
use devspace_sync::session::ClientIdentity;
use devspace_sync::wire::Body;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio_util::sync::CancellationToken;

use super::Control;
use super::answer::Refusal;
use crate::events::EventLog;

/// A session's hold on the copy.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    client: ClientIdentity,
    ended: CancellationToken,
    taken_by: Arc<OnceLock<ClientIdentity>>,
}

// === impl Control ===

impl Control {
    /// Gives the copy to `client`, unless it only comes back and another has it.
    pub(super) fn take_lease(&self, client: &ClientIdentity, resume: bool) -> Result<(), Refusal> {
        let mut slot = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = slot.as_ref() {
            if held.client.session_id != client.session_id {
                if resume {
                    return Err(taken_over(&held.client));
                }
                // Only the first taker is told; the slot is replaced below.
                let _ = held.taken_by.set(client.clone());
            }
            held.ended.cancel();
        }
        *slot = Some(Lease {
            client: client.clone(),
            ended: CancellationToken::new(),
            taken_by: Arc::default(),
        });
        Ok(())
    }

    /// The request comes from the session that has the copy.
    pub(super) fn check_lease<B>(&self, request: &Request<B>) -> Result<Lease, Refusal> {
        let slot = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let session = request
            .headers()
            .get(SESSION_HEADER)
            .and_then(|value| value.to_str().ok());
        match slot.as_ref() {
            Some(held) if session == Some(&held.client.session_id) => Ok(held.clone()),
            Some(held) => Err(taken_over(&held.client)),
            None => Err(Refusal::refused("the session has not said hello")),
        }
    }

    /// The events after the number in the query, as long as the session has the copy.
    pub(super) fn events(&self, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let lease = self.check_lease(request)?;
        let after = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("after="));
        let after = after.and_then(|number| number.parse().ok());
        let after = after.ok_or_else(|| Refusal::refused("`after` is missing"))?;
        let feed = Feed {
            log: Arc::clone(&self.log),
            lease,
            after,
            ready: VecDeque::new(),
            is_over: false,
        };
        let lines = stream::unfold(feed, |mut feed| async {
            let line = feed.next().await?;
            Some((Ok::<_, io::Error>(Frame::data(line)), feed))
        });
        Ok(Response::new(BodyExt::boxed(StreamBody::new(lines))))
    }
}

fn taken_over(by: &ClientIdentity) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, Problem::TakenOver { by: by.clone() })
}

/// One reader of the log.
struct Feed {
    log: Arc<EventLog>,
    lease: Lease,
    after: u64,
    ready: VecDeque<Numbered>,
    is_over: bool,
}

// === impl Feed ===

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            if self.is_over {
                return None;
            }
            tokio::select! {
                biased;
                () = self.lease.ended.cancelled() => {
                    self.is_over = true;
                    let by = self.lease.taken_by.get()?.clone();
                    self.ready.push_back(Numbered { number: self.after, event: AgentEvent::TakenOver { by } });
                }
                events = self.log.after(self.after) => self.ready.extend(events),
            }
        }
        let mut lines = Vec::new();
        // What is there goes as one piece, up to a size that leaves others their turn.
        while lines.len() < 64 * 1024
            && let Some(event) = self.ready.pop_front()
        {
            self.after = event.number;
            match serde_json::to_writer(&mut lines, &event) {
                Ok(()) => lines.push(b'\n'),
                Err(error) => tracing::warn!(%error, "an event cannot be written"),
            }
        }
        Some(Bytes::from(lines))
    }
}
