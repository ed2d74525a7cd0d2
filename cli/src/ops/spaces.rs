//! Spaces: make, find, delete.

use std::time::Duration;

use devspace_api::space::SpaceSpec;
use devspace_api::{Space, condition};
use futures::StreamExt;
use tokio::time::Instant;

use crate::engine::{At, Engine, EngineError};
use crate::exit::Exit;
use crate::ops::target::Target;
use crate::report::{Hint, Report};

/// A space that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpaceRequest {
    /// Where the object is.
    pub(crate) at: At,
    /// The user who asks.
    pub(crate) user: String,
    /// What it is made from, if it does not exist.
    pub(crate) spec: SpaceSpec,
    /// It must not exist yet.
    pub(crate) new: bool,
}

/// A space with its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpaceReady {
    /// The personal namespace.
    pub(crate) namespace: String,
    /// Addresses of the application as the space sees it.
    pub(crate) urls: Vec<String>,
    /// It was made by this call.
    pub(crate) created: bool,
}

/// Why the space is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpaceError {
    /// The engine did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Somebody else's.
    #[error("space {space} belongs to {owner}")]
    Owned { space: String, owner: String },
    /// It is there already.
    #[error("space {space} exists already")]
    Exists { space: String },
    /// The controller refuses it.
    #[error("space {space} cannot be made: {message}")]
    Refused { space: String, message: String },
    /// There is none.
    #[error("no space `{space}` in baseline {baseline}")]
    Unknown {
        space: String,
        baseline: String,
        nearest: Vec<String>,
    },
    /// It takes too long.
    #[error("space {space} is not {wanted} in time{}", reason(message))]
    TimedOut {
        space: String,
        wanted: &'static str,
        message: String,
        look: Hint,
    },
}

fn reason(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

impl SpaceRequest {
    /// The space of `target` for its user, whether it exists or not.
    pub(crate) fn for_use(target: &Target) -> Self {
        let spec = SpaceSpec {
            owner: target.user.clone(),
            ..SpaceSpec::default()
        };
        Self {
            at: target.at(),
            user: target.user.clone(),
            spec,
            new: false,
        }
    }
}

/// Finds the space or makes it, and waits for its namespace. An existing one is used as it is.
///
/// # Errors
/// [`SpaceError`]. How long it may take is the caller's to say.
pub(crate) async fn ensure(engine: &dyn Engine, request: &SpaceRequest) -> Result<SpaceReady, SpaceError> {
    let name = &request.at.name;
    let found = engine.spaces().get(&request.at).await?;
    let created = match found {
        Some(space) if space.metadata.deletion_timestamp.is_none() => {
            if request.new {
                return Err(SpaceError::Exists { space: name.clone() });
            }
            may_use(&space, &request.user)?;
            // The usual case costs this one request.
            if let Some(ready) = ready(&space, false)? {
                return Ok(ready);
            }
            false
        }
        found => {
            if found.is_some() {
                gone(engine, &request.at).await?;
            }
            engine
                .spaces()
                .apply(&request.at, Space::new(name, request.spec.clone()))
                .await?;
            true
        }
    };
    let mut seen = engine.spaces().watch(&request.at);
    while let Some(space) = seen.next().await {
        if let Some(space) = space?
            && let Some(ready) = ready(&space, created)?
        {
            return Ok(ready);
        }
    }
    Err(SpaceError::Unknown {
        space: name.clone(),
        baseline: request.at.namespace.clone(),
        nearest: Vec::new(),
    })
}

/// Refuses another's space, unless it is shared.
fn may_use(space: &Space, user: &str) -> Result<(), SpaceError> {
    if space.spec.owner == user || space.spec.shared_with.iter().any(|other| other == user) {
        return Ok(());
    }
    let name = space.metadata.name.clone().unwrap_or_default();
    Err(SpaceError::Owned {
        space: name,
        owner: space.spec.owner.clone(),
    })
}

/// The space's namespace, if the controller made it; `None` while it works on it.
fn ready(space: &Space, created: bool) -> Result<Option<SpaceReady>, SpaceError> {
    let Some(status) = &space.status else {
        return Ok(None);
    };
    if status.observed_generation != space.metadata.generation {
        return Ok(None);
    }
    if let Some(namespace) = &status.namespace {
        return Ok(Some(SpaceReady {
            namespace: namespace.clone(),
            urls: status.urls.clone(),
            created,
        }));
    }
    match condition::find(&status.conditions, condition::kind::READY) {
        // The namespace of a space of this name that was deleted a moment ago: it is made again.
        Some(condition) if condition.reason == "NamespaceTerminating" => Ok(None),
        // `Unknown` is on the way.
        Some(condition) if condition.status == "False" => Err(SpaceError::Refused {
            space: space.metadata.name.clone().unwrap_or_default(),
            message: condition.message.clone(),
        }),
        _ => Ok(None),
    }
}

/// Waits until the space is not there.
async fn gone(engine: &dyn Engine, at: &At) -> Result<(), SpaceError> {
    let mut seen = engine.spaces().watch(at);
    while let Some(space) = seen.next().await {
        if space?.is_none() {
            break;
        }
    }
    Ok(())
}

/// The space, which must exist.
///
/// # Errors
/// [`SpaceError::Unknown`] with the nearest names.
pub(crate) async fn existing(engine: &dyn Engine, at: &At) -> Result<Space, SpaceError> {
    if let Some(space) = engine.spaces().get(at).await? {
        return Ok(space);
    }
    let all = engine.spaces().list(&at.namespace).await?;
    let names: Vec<String> = all.into_iter().filter_map(|space| space.metadata.name).collect();
    Err(SpaceError::Unknown {
        space: at.name.clone(),
        baseline: at.namespace.clone(),
        nearest: crate::nearest::nearest(&at.name, names.iter().map(String::as_str)),
    })
}

/// Deletes the space and waits until it is gone.
///
/// # Errors
/// [`SpaceError`].
pub(crate) async fn delete(
    engine: &dyn Engine,
    at: &At,
    user: &str,
    timeout: Duration,
) -> Result<Space, SpaceError> {
    let space = existing(engine, at).await?;
    if space.spec.owner != user {
        return Err(SpaceError::Owned {
            space: at.name.clone(),
            owner: space.spec.owner,
        });
    }
    engine.spaces().delete(at).await?;
    match tokio::time::timeout_at(Instant::now() + timeout, gone(engine, at)).await {
        Ok(done) => done.map(|()| space),
        Err(_) => Err(SpaceError::TimedOut {
            space: at.name.clone(),
            wanted: "gone",
            message: String::new(),
            look: engine.identity().look(),
        }),
    }
}

impl Report for SpaceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Owned { .. } => "space_owned",
            Self::Exists { .. } => "space_exists",
            Self::Refused { .. } => "space_refused",
            Self::Unknown { .. } => "unknown_space",
            Self::TimedOut { .. } => "timed_out",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Owned { .. } => Some(Hint::new(
                "name one of your own with `-s NAME`, or have its owner add you to `sharedWith`",
            )),
            Self::Exists { space } => Some(Hint::with("use it", format!("devspace space select {space}"))),
            Self::Unknown { nearest, .. } => Some(match nearest.first() {
                Some(name) => Hint::new(format!("did you mean `{name}`?")),
                None => Hint::with("see those that there are", "devspace list --all"),
            }),
            Self::TimedOut { look, .. } => Some(look.clone()),
            Self::Refused { .. } => None,
        }
    }
}
