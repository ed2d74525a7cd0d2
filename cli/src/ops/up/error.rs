//! What stops `up`.

use devspace_api::baseline::Interception;

use crate::engine::EngineError;
use crate::exit::Exit;
use crate::ops::spaces::SpaceError;
use crate::report::{Hint, Report};

/// Why a copy is not up, or is no longer followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// The engine did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The space is not to be had.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The namespace has no Baseline object.
    #[error("namespace {baseline} has no Baseline")]
    NoBaseline { baseline: String },
    /// The baseline does not have the service.
    #[error("baseline {baseline} has no service `{service}`")]
    UnknownService {
        service: String,
        baseline: String,
        nearest: Vec<String>,
        known: Vec<String>,
    },
    /// Its traffic does not pass the router.
    #[error("requests for `{service}` do not pass the router of baseline {baseline}: it is {} ({message})", word(*state))]
    NotIntercepted {
        service: String,
        baseline: String,
        state: Interception,
        message: String,
    },
    /// The controller refuses the copy.
    #[error("the copy of {service} cannot be made: {message}")]
    Refused { service: String, message: String },
    /// The pod does not start.
    #[error("the copy of {service} does not start: {trouble}")]
    Image { service: String, trouble: String },
    /// The first build failed.
    #[error("{service}: the build failed ({status})")]
    Build {
        service: String,
        status: String,
        old_runs: bool,
    },
    /// The program ended before it was ready.
    #[error("{service}: the program ended before it was ready ({status})")]
    Exited { service: String, status: String },
    /// It took too long.
    #[error("{service} is not up in time; waiting for {waited_for}")]
    TimedOut {
        service: String,
        waited_for: String,
        troubles: Vec<String>,
    },
    /// Another `up` has it.
    #[error("{service} was taken over by {by}")]
    TakenOver { service: String, by: String },
    /// Somebody removed the copy.
    #[error("the copy of {service} was removed")]
    Removed { service: String },
    /// The session cannot go on.
    #[error("{service} is no longer followed: {reason}")]
    Halted { service: String, reason: String },
    /// A task of ours died.
    #[error("a task of devspace ended without a result")]
    Task(#[from] tokio::task::JoinError),
}

/// The state as the documents write it.
pub(crate) const fn word(state: Interception) -> &'static str {
    match state {
        Interception::Intercepted => "intercepted",
        Interception::Plain => "plain",
        Interception::Contended => "contended",
        Interception::Refused => "refused",
    }
}

impl Report for UpError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Space(error) => error.code(),
            Self::NoBaseline { .. } => "no_baseline",
            Self::UnknownService { .. } => "unknown_service",
            Self::NotIntercepted { .. } => "not_intercepted",
            Self::Refused { .. } => "copy_refused",
            Self::Image { .. } => "pod_trouble",
            Self::Build { .. } => "build_failed",
            Self::Exited { .. } => "exited",
            Self::TimedOut { .. } => "timed_out",
            Self::TakenOver { .. } => "taken_over",
            Self::Removed { .. } => "copy_removed",
            Self::Halted { .. } => "halted",
            Self::Task(_) => "task",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Space(error) => error.exit(),
            Self::Image { .. } | Self::Build { .. } | Self::Exited { .. } | Self::TimedOut { .. } => {
                Exit::UserCode
            }
            Self::Task(_) => Exit::Failure,
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Space(error) => error.hint(),
            Self::NoBaseline { baseline } => Some(Hint::with(
                "an admin makes it",
                format!("devspace baseline enable --all -b {baseline}"),
            )),
            Self::UnknownService { nearest, known, .. } => Some(match nearest.first() {
                Some(_) => Hint::new(format!(
                    "did you mean {}? it stands in `devspace.yaml`, key `service`",
                    quoted(nearest)
                )),
                None => Hint::new(format!(
                    "its services are {}",
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                )),
            }),
            Self::NotIntercepted {
                service,
                baseline,
                state: Interception::Plain,
                ..
            } => Some(Hint::with(
                "an admin can change that",
                format!("devspace baseline enable {service} -b {baseline}"),
            )),
            Self::NotIntercepted { baseline, .. } => Some(Hint::with(
                "see all its services",
                format!("devspace baseline status -b {baseline}"),
            )),
            Self::Image { .. } => Some(Hint::new(
                "mend `image` in `devspace.yaml` or in the baseline, then run `devspace up` again",
            )),
            Self::Build { old_runs: true, .. } => {
                Some(Hint::new("the program that ran before keeps running in the copy"))
            }
            Self::Exited { .. } => Some(Hint::with(
                "mend it and run `devspace up` again; the whole output is in",
                "devspace logs",
            )),
            Self::TimedOut { troubles, .. } if !troubles.is_empty() => {
                Some(Hint::with("the engine says about it", troubles.join("\n")))
            }
            Self::TimedOut { .. } => Some(Hint::with(
                "the copy runs on; give it more time with `--timeout`, or look at it",
                "devspace status\ndevspace logs",
            )),
            Self::TakenOver { .. } => Some(Hint::new(
                "the copy runs on with the other folder; `devspace up` here takes it back",
            )),
            Self::Removed { .. } => Some(Hint::new("`devspace up` makes it again")),
            _ => None,
        }
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" or ")
}
