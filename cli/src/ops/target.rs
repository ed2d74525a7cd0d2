//! Which baseline and which space a command is about.

use std::collections::BTreeMap;

use devspace_api::names::Discovery;
use devspace_core::SpaceName;

use crate::engine::{At, Engine, EngineError};
use crate::exit::Exit;
use crate::report::{Hint, Report};
use crate::settings::{
    BaselineChoiceError, Origin, Sourced, SpaceChoiceError, UserFile, choose_baseline, choose_space,
};

/// Baseline, space and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The baseline's namespace.
    pub(crate) baseline: String,
    /// The space.
    pub(crate) space: SpaceName,
    /// What named it.
    pub(crate) chosen_by: Origin,
    /// What named the baseline.
    pub(crate) baseline_by: Origin,
    /// The user, as the engine sees them.
    pub(crate) user: String,
}

/// Why the target is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The engine did not answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No baseline.
    #[error(transparent)]
    Baseline(#[from] BaselineChoiceError),
    /// No space.
    #[error(transparent)]
    Space(SpaceChoiceError),
    /// No space, but one can be asked for.
    #[error("{why}")]
    Unnamed {
        /// The baseline that was found.
        baseline: String,
        /// Why nothing names the space.
        why: SpaceChoiceError,
    },
}

impl Target {
    /// Where the Space object is.
    pub(crate) fn at(&self) -> At {
        At {
            namespace: self.baseline.clone(),
            name: self.space.to_string(),
        }
    }
}

/// Finds both.
///
/// # Errors
/// [`TargetError`]; [`TargetError::Unnamed`], if only a name for the space is missing.
pub(crate) async fn find_target(
    engine: &dyn Engine,
    file: &UserFile,
    space: Option<Sourced<String>>,
    baseline: Option<Sourced<String>>,
) -> Result<Target, TargetError> {
    let identity = engine.identity();
    let (user, known) = futures::future::try_join(engine.user(), known(engine)).await?;
    let selection = file.selection(identity.engine, &identity.context);
    let from_file = |value: &String| Sourced {
        value: value.clone(),
        origin: Origin::UserFile(file.path.clone()),
    };
    let selected = selection.map(|selection| from_file(&selection.baseline));
    let Sourced {
        value: baseline,
        origin: baseline_by,
    } = choose_baseline(baseline, selected, &known, identity)?;
    // A space that was selected in another baseline means nothing here.
    let selected = selection
        .filter(|selection| selection.baseline == baseline)
        .map(|selection| from_file(&selection.space));
    let chosen = choose_space(space, selected, &user).map_err(TargetError::Space)?;
    match chosen {
        Some(Sourced { value, origin }) => Ok(Target {
            baseline,
            space: value,
            chosen_by: origin,
            baseline_by,
            user,
        }),
        None => Err(TargetError::Unnamed {
            baseline,
            why: SpaceChoiceError::Unnamed { user },
        }),
    }
}

/// The baselines that exist. Where none is known, the reason may be that devspace is not installed: that is told instead.
async fn known(engine: &dyn Engine) -> Result<BTreeMap<String, Discovery>, EngineError> {
    let known = engine.discover().await?;
    if known.is_empty()
        && engine.cluster().is_some()
        && let Err(missing @ EngineError::NotInstalled { .. }) =
            engine.baselines().list(&engine.identity().namespace).await
    {
        return Err(missing);
    }
    Ok(known)
}

/// Finds the baseline only.
///
/// # Errors
/// [`TargetError`].
pub(crate) async fn find_baseline(
    engine: &dyn Engine,
    file: &UserFile,
    baseline: Option<Sourced<String>>,
) -> Result<Sourced<String>, TargetError> {
    let identity = engine.identity();
    let known = known(engine).await?;
    let selected = file
        .selection(identity.engine, &identity.context)
        .map(|selection| Sourced {
            value: selection.baseline.clone(),
            origin: Origin::UserFile(file.path.clone()),
        });
    Ok(choose_baseline(baseline, selected, &known, identity)?)
}

impl Report for TargetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Baseline(error) => error.code(),
            Self::Space(error) | Self::Unnamed { why: error, .. } => error.code(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Baseline(error) => error.exit(),
            Self::Space(error) | Self::Unnamed { why: error, .. } => error.exit(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Baseline(error) => error.hint(),
            Self::Space(error) | Self::Unnamed { why: error, .. } => error.hint(),
        }
    }
}
