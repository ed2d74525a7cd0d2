//! The decisions of `up` for one copy, as a pure function: state and input in, state and effects out.
//!
//! Inputs are what the cluster says of the ServiceCopy, what the agent says, and the clock. A copy is up once its program
//! listens and every ready router sends the space's requests to it.

use std::time::Duration;

use devspace_api::copy::{CopyMode, CopyPhase};
use devspace_api::{ServiceCopy, condition};
use devspace_sync::session::SessionEvent;

use super::UpError;
use crate::event::Event;

mod session;
#[cfg(test)]
mod tests;

/// Lines of a build that are kept for its failure.
const BUILD_LINES: usize = 60;

/// A program that was live before this session, and that reloads by itself, is not started again for what was sent: then
/// the agent says nothing more. A build or a restart that is due begins within milliseconds of the commit.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// The object was written.
    Applied {
        /// What the cluster made of it.
        copy: Box<ServiceCopy>,
        /// UID of the pod that the write makes go.
        replaces: Option<String>,
    },
    /// The object changed, or is gone.
    Seen(Option<Box<ServiceCopy>>),
    /// It cannot be watched now; that goes on.
    Unwatched(String),
    /// The agent says something.
    Session(SessionEvent),
    /// The time that [`Effect::Listen`] asked for has passed.
    Quiet,
    /// The session ended.
    SessionEnded,
    /// The time is over. With what Kubernetes says about the pod.
    TimedOut(Vec<String>),
    /// The developer leaves.
    Left,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Start the session with the agent.
    Connect,
    /// Give [`Input::Quiet`] after [`QUIET`].
    Listen,
    /// Tell it.
    Tell(Event),
    /// The copy is up for the first time.
    Up,
    /// This is the end.
    End(Result<(), UpError>),
}

/// Where the program stands, as far as this session knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProgramState {
    /// Nothing is known yet.
    Unknown,
    /// A build runs.
    Building,
    /// It was started and does not listen yet.
    Starting,
    /// It answers.
    Live,
    /// It ended by itself.
    Ended,
}

/// A build or program that failed before the copy was up.
#[derive(Debug)]
struct Failure {
    /// The content that it was made from. Unset: made here, so it is the folder's.
    revision: Option<u64>,
    event: Event,
    error: UpError,
}

/// One copy on its way up and after.
#[derive(Debug)]
pub(super) struct State {
    service: String,
    space: String,
    mode: CopyMode,
    /// Generation of the object as written; what the controller says of an older one does not count.
    generation: i64,
    /// The pod of the spec before this one. What is said of it does not count.
    replaces: Option<String>,
    connect_asked: bool,
    pod: Option<String>,
    trouble: String,
    pod_after: Option<Duration>,
    /// The copy ran before this session.
    resumed: bool,
    in_sync: bool,
    /// The last revision that this session sent.
    sent: Option<u64>,
    /// The newest revision that is known to hold what the folder holds.
    folder: Option<u64>,
    /// The revision that the program was last started from, as far as this session was told.
    started: Option<u64>,
    /// The revision that the program was started from.
    live: Option<u64>,
    /// The agent was given time to say that the sent revision makes a build or a restart due.
    quiet: bool,
    /// Files sent until the copy was up.
    files: Option<u64>,
    build_took: Option<Duration>,
    build_lines: Vec<String>,
    /// A failure of content that is not known to be the folder's.
    held: Option<Failure>,
    program: ProgramState,
    ready: bool,
    routed: bool,
    up: bool,
    halted: Option<String>,
    /// Why the object could not be watched when that was last told.
    unwatched: Option<String>,
    ended: bool,
}

impl State {
    /// A copy of `service` that is about to be written.
    pub(super) fn new(service: &str, space: &str, mode: CopyMode) -> Self {
        Self {
            service: service.to_owned(),
            space: space.to_owned(),
            mode,
            generation: 0,
            replaces: None,
            connect_asked: false,
            pod: None,
            trouble: String::new(),
            pod_after: None,
            resumed: false,
            in_sync: false,
            sent: None,
            folder: None,
            started: None,
            live: None,
            quiet: false,
            files: None,
            build_took: None,
            build_lines: Vec::new(),
            held: None,
            program: ProgramState::Unknown,
            ready: false,
            routed: false,
            up: false,
            halted: None,
            unwatched: None,
            ended: false,
        }
    }

    /// Whether the copy was up once; the time limit is about the way there.
    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    /// What the copy waits for.
    fn waits_for(&self) -> String {
        let agent = self.mode == CopyMode::Agent;
        if !self.trouble.is_empty() {
            return format!("its pod to start ({})", self.trouble);
        }
        if agent && self.pod_after.is_none() {
            return "the agent in its pod to answer".to_owned();
        }
        match self.program {
            ProgramState::Building => "its build".to_owned(),
            _ if agent && !self.in_sync && self.program != ProgramState::Live => {
                "its files to be synced".to_owned()
            }
            _ if !self.program_ready() => "its program to listen".to_owned(),
            _ => "the routers to send its requests to it".to_owned(),
        }
    }

    /// Whether the program answers with what was sent.
    fn program_ready(&self) -> bool {
        match self.mode {
            CopyMode::Image => self.ready,
            CopyMode::Agent => self.answers() && (self.is_current() || self.quiet),
        }
    }

    fn answers(&self) -> bool {
        self.program == ProgramState::Live && self.in_sync
    }

    fn is_current(&self) -> bool {
        self.sent
            .is_none_or(|sent| self.live.is_some_and(|live| live >= sent))
    }
}

/// Takes one input. `now` is the time since the start of the command.
pub(super) fn step(mut state: State, input: Input, now: Duration) -> (State, Vec<Effect>) {
    if state.ended {
        return (state, Vec::new());
    }
    let mut effects = match input {
        Input::Applied { copy, replaces } => {
            state.replaces = replaces;
            state.generation = copy.metadata.generation.unwrap_or_default();
            see(&mut state, &copy, now)
        }
        Input::Seen(Some(copy)) => {
            state.unwatched = None;
            see(&mut state, &copy, now)
        }
        // Before the first write there is nothing to lose.
        Input::Seen(None) if state.generation == 0 => Vec::new(),
        Input::Seen(None) => vec![Effect::End(Err(UpError::Removed {
            service: state.service.clone(),
        }))],
        // Each try fails in the same way; the first one is news.
        Input::Unwatched(message) if state.unwatched.as_ref() == Some(&message) => Vec::new(),
        Input::Unwatched(message) => {
            let told = warn(&state, format!("its state cannot be watched now: {message}"));
            state.unwatched = Some(message);
            vec![told]
        }
        Input::Session(event) => session::take(&mut state, event, now),
        Input::Quiet => {
            state.quiet = state.answers();
            Vec::new()
        }
        Input::SessionEnded => {
            let reason = state
                .halted
                .clone()
                .unwrap_or_else(|| "the session with its agent ended".to_owned());
            vec![Effect::End(Err(UpError::Halted {
                service: state.service.clone(),
                reason,
            }))]
        }
        Input::TimedOut(troubles) => {
            let (service, waited_for) = (state.service.clone(), state.waits_for());
            vec![Effect::End(Err(UpError::TimedOut {
                service,
                waited_for,
                troubles,
            }))]
        }
        Input::Left => vec![Effect::End(Ok(()))],
    };
    let ending = effects.iter().any(|effect| matches!(effect, Effect::End(_)));
    if !ending && !state.up && state.routed && state.program_ready() {
        state.up = true;
        effects.push(Effect::Tell(summary(&state, now)));
        effects.push(Effect::Up);
    }
    if !ending && !state.up && state.routed && state.answers() && !state.is_current() {
        effects.push(Effect::Listen);
    }
    state.ended = ending;
    (state, effects)
}

/// What the cluster says of the copy.
fn see(state: &mut State, copy: &ServiceCopy, now: Duration) -> Vec<Effect> {
    let status = copy.status.clone().unwrap_or_default();
    let generation = copy.metadata.generation.unwrap_or_default();
    let old_pod = status
        .pod
        .as_ref()
        .is_some_and(|pod| state.replaces.as_ref() == Some(&pod.uid));
    let fresh = generation >= state.generation && status.observed_generation == Some(generation) && !old_pod;
    let mut effects = Vec::new();
    // A pod of the spec before this one is about to go: a session with it would be cut.
    if state.mode == CopyMode::Agent && !state.connect_asked && (fresh || status.pod.is_none()) {
        state.connect_asked = true;
        effects.push(Effect::Connect);
    }
    if !fresh {
        return effects;
    }
    if status.phase == CopyPhase::Refused {
        let message = condition::find(&status.conditions, condition::kind::READY).map_or_else(
            || "no reason given".to_owned(),
            |condition| condition.message.clone(),
        );
        effects.push(Effect::End(Err(UpError::Refused {
            service: state.service.clone(),
            message,
        })));
        return effects;
    }
    state.ready = status.phase == CopyPhase::Ready;
    if let Some(pod) = status.pod {
        state.pod = Some(pod.name);
        effects.extend(trouble(state, pod.trouble));
    }
    if state.mode == CopyMode::Image && state.ready && state.pod_after.is_none() {
        state.pod_after = Some(now);
        effects.push(Effect::Tell(pod_event(state, now)));
    }
    let routed = condition::is_true(&status.conditions, condition::kind::ROUTED);
    if routed && !state.routed {
        effects.push(Effect::Tell(Event::Routed {
            service: state.service.clone(),
            seconds: now.into(),
        }));
    }
    state.routed = routed;
    effects
}

/// Troubles that do not pass by themselves, by the reason word of the kubelet (Kubernetes: container `waiting.reason`).
const LASTING: [&str; 8] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

fn trouble(state: &mut State, trouble: String) -> Option<Effect> {
    if trouble == state.trouble {
        return None;
    }
    state.trouble.clone_from(&trouble);
    if trouble.is_empty() {
        return None;
    }
    let reason = trouble.split(':').next().unwrap_or_default();
    if !state.up && LASTING.contains(&reason) {
        return Some(Effect::End(Err(UpError::Image {
            service: state.service.clone(),
            trouble,
        })));
    }
    Some(warn(state, trouble))
}

fn warn(state: &State, message: String) -> Effect {
    Effect::Tell(Event::Warning {
        service: Some(state.service.clone()),
        message,
    })
}

fn pod_event(state: &State, now: Duration) -> Event {
    Event::Pod {
        service: state.service.clone(),
        pod: state.pod.clone(),
        seconds: now.into(),
    }
}

fn summary(state: &State, now: Duration) -> Event {
    Event::Up {
        service: state.service.clone(),
        space: state.space.clone(),
        pod_seconds: state.pod_after.map(Into::into),
        files: state.files,
        build_seconds: state.build_took.map(Into::into),
        seconds: now.into(),
    }
}
