//! `devspace down`: copies out of a space.

use std::time::Duration;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::{At, Engine, EngineError};
use crate::event::Event;
use crate::exit::Exit;
use crate::nearest::nearest;
use crate::ops::copies;
use crate::ops::spaces::{self, SpaceError};
use crate::ops::target::Target;
use crate::report::{Hint, Report};

/// Which copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of these services.
    Services(Vec<String>),
    /// All.
    All,
}

/// Why they are not gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownError {
    /// The engine did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No such space.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// No such copy.
    #[error("space {space} has no copy of `{service}`")]
    Unknown {
        service: String,
        space: String,
        known: Vec<String>,
    },
    /// It takes too long.
    #[error("the copy of {service} is not gone in time")]
    TimedOut { service: String, look: Hint },
}

/// Removes the copies and waits until they are gone.
///
/// # Errors
/// [`DownError`]. What was removed before it is told.
pub(crate) async fn down(
    engine: &dyn Engine,
    target: &Target,
    which: Which,
    timeout: Duration,
    event_tx: &mpsc::Sender<Event>,
) -> Result<(), DownError> {
    let deadline = Instant::now() + timeout;
    let space = spaces::existing(engine, &target.at()).await?;
    let known: Vec<String> = copies::in_space(engine, &space)
        .await?
        .into_iter()
        .map(|copy| copy.spec.service)
        .collect();
    let services = match which {
        Which::All => known.clone(),
        Which::Services(services) => services,
    };
    if let Some(service) = services.iter().find(|service| !known.contains(service)) {
        return Err(DownError::Unknown {
            service: service.clone(),
            space: target.space.to_string(),
            known,
        });
    }
    let namespace = copies::namespace(&space).unwrap_or_default();
    let ats: Vec<At> = services
        .iter()
        .map(|service| At {
            namespace: namespace.clone(),
            name: service.clone(),
        })
        .collect();
    futures::future::try_join_all(ats.iter().map(|at| engine.copies().delete(at))).await?;
    for at in ats {
        if tokio::time::timeout_at(deadline, gone(engine, &at))
            .await
            .is_err()
        {
            return Err(DownError::TimedOut {
                service: at.name,
                look: engine.identity().look(),
            });
        }
        drop(
            event_tx
                .send(Event::Removed {
                    kind: "ServiceCopy",
                    name: at.name,
                    namespace: Some(at.namespace),
                })
                .await,
        );
    }
    let to = space.spec.parent.map_or_else(
        || format!("the baseline {}", target.baseline),
        |parent| format!("space {parent}, then to the baseline {}", target.baseline),
    );
    drop(event_tx.send(Event::RequestsGoTo { target: to }).await);
    Ok(())
}

/// Waits until the copy is not there. An error of the watch does not say that it is, so the watch goes on.
async fn gone(engine: &dyn Engine, at: &At) {
    let mut seen = engine.copies().watch(at);
    while let Some(copy) = seen.next().await {
        if matches!(copy, Ok(None)) {
            break;
        }
    }
}

impl Report for DownError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Space(error) => error.code(),
            Self::Unknown { .. } => "unknown_copy",
            Self::TimedOut { .. } => "timed_out",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Space(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Space(error) => error.hint(),
            Self::Unknown { service, known, .. } => {
                Some(match nearest(service, known.iter().map(String::as_str)).first() {
                    Some(name) => Hint::new(format!("did you mean `{name}`?")),
                    None if known.is_empty() => Hint::new("it has no copies at all"),
                    None => Hint::new(format!("it has copies of {}", known.join(", "))),
                })
            }
            Self::TimedOut { look, .. } => Some(look.clone()),
        }
    }
}
