//! Bodies on their way through: streamed, never collected, with the accounting of their end.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use crate::conn::Busy;
use crate::pool::Lease;

/// A request's body on its way to an endpoint.
pub(crate) struct RequestBody {
    source: Option<Incoming>,
    gate: Option<Gate>,
    failed: Rc<Cell<bool>>,
}

/// Holds a body back until the endpoint says `100 Continue` (RFC 9110, section 10.1.1), or a time has passed.
struct Gate {
    open: Arc<GateState>,
    limit: Pin<Box<Sleep>>,
}

/// The part of a gate that the endpoint's interim response opens.
#[derive(Debug, Default)]
pub(crate) struct GateState {
    open: AtomicBool,
    waker: AtomicWaker,
}

/// A response's body on its way to the caller.
pub(crate) struct ResponseBody {
    source: Source,
    /// The caller's connection has a request in flight until the body has ended or is dropped.
    _busy: Option<Busy>,
}

enum Source {
    Full(Option<Bytes>),
    Endpoint(Incoming, Option<Lease>),
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(source: Incoming) -> Self {
        Self {
            source: Some(source),
            gate: None,
            failed: Rc::default(),
        }
    }

    pub(crate) fn empty() -> Self {
        Self {
            source: None,
            gate: None,
            failed: Rc::default(),
        }
    }

    /// Holds the body back; the returned state opens it.
    pub(crate) fn gated(&mut self, limit: std::time::Duration) -> Arc<GateState> {
        let open = Arc::new(GateState::default());
        self.gate = Some(Gate {
            open: Arc::clone(&open),
            limit: Box::pin(tokio::time::sleep(limit)),
        });
        open
    }

    /// Becomes true when the caller's side of the body breaks: its fault, not the endpoint's.
    pub(crate) fn failure(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.failed)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if let Some(gate) = &mut this.gate {
            ready!(gate.poll(cx));
            this.gate = None;
        }
        let Some(source) = &mut this.source else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(source).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            this.failed.set(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.source
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

// === impl Gate ===

impl Gate {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.open.waker.register(cx.waker());
        if self.open.open.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.limit.as_mut().poll(cx)
    }
}

impl GateState {
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.waker.wake();
    }
}

// === impl ResponseBody ===

impl ResponseBody {
    pub(crate) fn full(text: impl Into<Bytes>) -> Self {
        Self {
            source: Source::Full(Some(text.into()).filter(|bytes| !bytes.is_empty())),
            _busy: None,
        }
    }

    pub(crate) fn empty() -> Self {
        Self {
            source: Source::Full(None),
            _busy: None,
        }
    }

    /// An endpoint's body. The connection goes back to its pool when the body has ended.
    pub(crate) fn endpoint(incoming: Incoming, lease: Lease) -> Self {
        let mut body = Self {
            source: Source::Endpoint(incoming, Some(lease)),
            _busy: None,
        };
        if body.is_end_stream() {
            body.release();
        }
        body
    }

    pub(crate) fn with_busy(mut self, busy: Busy) -> Self {
        self._busy = Some(busy);
        self
    }

    fn release(&mut self) {
        if let Source::Endpoint(_, lease) = &mut self.source
            && let Some(lease) = lease.take()
        {
            lease.give_back();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = match &mut self.source {
            Source::Full(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            // An error passes on, so that the caller sees an aborted message, never a complete one
            // (RFC 9112, section 8).
            Source::Endpoint(incoming, _) => ready!(Pin::new(incoming).poll_frame(cx)),
        };
        let ended = match &frame {
            None => true,
            Some(Ok(frame)) => frame.is_trailers() || self.is_end_stream(),
            Some(Err(_)) => false,
        };
        if ended {
            self.release();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Full(bytes) => bytes.is_none(),
            Source::Endpoint(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => SizeHint::with_exact(
                bytes
                    .as_ref()
                    .map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            ),
            Source::Endpoint(incoming, _) => incoming.size_hint(),
        }
    }
}
