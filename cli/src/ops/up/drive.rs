//! Feeds [`step`](super::step) for one copy and does what it asks.

use std::sync::Arc;
use std::time::Duration;

use devspace_api::ServiceCopy;
use devspace_api::copy::{Fallback, ServiceCopySpec};
use devspace_sync::session::{self, Session, SessionEvent, Tunnel};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::step::{Effect, Input, QUIET, State, step};
use super::{CopyRequest, UpError, tell, tunnel};
use crate::engine::{At, CopyRef, Engine, EngineError};
use crate::event::Event;

/// How long the rights in a personal namespace may take to come after the namespace itself.
const RIGHTS_COME_NEW: Duration = Duration::from_secs(15);
/// The same for a space that was there before; the namespace may have been mended a moment ago.
const RIGHTS_COME: Duration = Duration::from_secs(2);
/// Between tries.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// What the copies of one call tell each other's host.
pub(super) enum Milestone {
    /// A copy is up for the first time.
    Up {
        /// A way through its agent, if it has one.
        tunnels: Option<Tunnel>,
    },
}

/// What a driver works with.
pub(super) struct Context {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) copy: CopyRef,
    pub(super) at: At,
    /// The space was made by this call.
    pub(super) new_space: bool,
    /// Follow the folder once the copy is up.
    pub(super) stay: bool,
    pub(super) deadline: Instant,
    pub(super) event_tx: mpsc::Sender<Event>,
    pub(super) milestone_tx: mpsc::Sender<Milestone>,
    pub(super) cancel: CancellationToken,
}

/// A session and its events.
struct Connected {
    session: Session,
    event_rx: mpsc::Receiver<SessionEvent>,
}

/// Writes the copy, connects to its agent, and follows both until the step function says that this is the end.
pub(super) async fn drive(context: Context, request: CopyRequest) -> Result<(), UpError> {
    let started = Instant::now();
    let mut seen = context.engine.copies().watch(&context.at);
    let mut state = State::new(&request.service, &context.copy.space, request.object.spec.mode);
    let before = context.engine.copies().get(&context.at).await.ok().flatten();
    let mut input = match apply(&context, &request.object).await? {
        Some(copy) => Input::Applied {
            replaces: before.and_then(|before| replaced(&before, &copy)),
            copy: Box::new(copy),
        },
        None => Input::Left,
    };
    let mut connected: Option<Connected> = None;
    let mut extras = Vec::new();
    let mut quiet_at = None;
    loop {
        let (next, effects) = step(state, input, started.elapsed());
        state = next;
        for effect in effects {
            match effect {
                Effect::Connect => connected = connect(&context, &request),
                // The first asking counts: later ones would put it off for ever.
                Effect::Listen => quiet_at = quiet_at.or(Some(Instant::now() + QUIET)),
                Effect::Tell(event) => tell(&context.event_tx, event).await,
                Effect::Up => {
                    extras.extend(debug(&context, request.debug).await);
                    let tunnels = connected.as_ref().map(|connected| connected.session.tunnels());
                    drop(context.milestone_tx.send(Milestone::Up { tunnels }).await);
                    if !context.stay {
                        return Ok(());
                    }
                }
                Effect::End(result) => return result,
            }
        }
        input = tokio::select! {
            biased;
            input = next_input(&context, state.is_up(), &mut seen, connected.as_mut()) => input,
            () = at(quiet_at) => {
                quiet_at = None;
                Input::Quiet
            }
        };
    }
}

/// The pod that goes since `now` asks for another one than `before`. What only the router reads replaces no pod.
fn replaced(before: &ServiceCopy, now: &ServiceCopy) -> Option<String> {
    let of_pod = |copy: &ServiceCopy| ServiceCopySpec {
        hold: None,
        fallback: Fallback::default(),
        ..copy.spec.clone()
    };
    let pod = before.status.as_ref()?.pod.as_ref()?;
    (of_pod(before) != of_pod(now)).then(|| pod.uid.clone())
}

/// Writes the object. `None` if the developer left.
async fn apply(context: &Context, object: &ServiceCopy) -> Result<Option<ServiceCopy>, UpError> {
    let patience = if context.new_space {
        RIGHTS_COME_NEW
    } else {
        RIGHTS_COME
    };
    let until = (Instant::now() + patience).min(context.deadline);
    loop {
        match context.engine.copies().apply(&context.at, object.clone()).await {
            Ok(copy) => return Ok(Some(copy)),
            Err(error) if !error.may_come() || Instant::now() > until => return Err(error.into()),
            Err(_) => {}
        }
        tokio::select! {
            () = context.cancel.cancelled() => return Ok(None),
            () = tokio::time::sleep(TRY_AGAIN) => {}
        }
    }
}

fn connect(context: &Context, request: &CopyRequest) -> Option<Connected> {
    let config = request.session.clone()?;
    let dial = context
        .engine
        .dial(&context.copy, devspace_core::ports::AGENT_CONTROL);
    let (session, event_rx) = session::start(dial, config, context.cancel.clone());
    Some(Connected { session, event_rx })
}

async fn next_input(
    context: &Context,
    is_up: bool,
    seen: &mut BoxStream<'static, Result<Option<ServiceCopy>, EngineError>>,
    connected: Option<&mut Connected>,
) -> Input {
    let session_event = async {
        match connected {
            Some(connected) => connected.event_rx.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = context.cancel.cancelled() => Input::Left,
        event = session_event => event.map_or(Input::SessionEnded, Input::Session),
        Some(copy) = seen.next() => match copy {
            Ok(copy) => Input::Seen(copy.map(Box::new)),
            // Rights that are on their way are no news; the watch goes on by itself.
            Err(error) => Input::Unwatched(error.to_string()),
        },
        () = tokio::time::sleep_until(context.deadline), if !is_up => {
            Input::TimedOut(context.engine.troubles(&context.copy).await.unwrap_or_default())
        }
    }
}

/// Waits until then; for ever without a time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Makes the debugger's port reachable here. It stays so while the result lives.
async fn debug(context: &Context, port: Option<u16>) -> Option<tunnel::Forward> {
    let port = port.filter(|_| context.stay)?;
    let dial = context.engine.dial(&context.copy, port);
    let service = context.copy.service.clone();
    let (forward, event) =
        match tunnel::Forward::open(port, dial, service.clone(), context.event_tx.clone()).await {
            Ok(forward) => {
                let address = forward.address.clone();
                (Some(forward), Event::Debug { service, address })
            }
            Err(error) => {
                let message = format!("port {port} for the debugger cannot be opened here: {error}");
                (
                    None,
                    Event::Warning {
                        service: Some(service),
                        message,
                    },
                )
            }
        };
    tell(&context.event_tx, event).await;
    forward
}
