//! What the arguments mean: every value resolved, and where it came from.
//!
//! Precedence: flag, environment, project file, user file, what the cluster says, default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use devspace_api::names::Discovery;
use devspace_core::{InvalidName, SpaceName};

use crate::engine::Identity;
use crate::exit::Exit;
use crate::nearest::nearest;
use crate::report::{Hint, Report};

mod engine_choice;
mod user_file;
mod user_name;

pub(crate) use engine_choice::{EngineAsked, EngineChoice, EngineKind, choose_engine};
pub(crate) use user_file::{Selection, UserFile};
pub(crate) use user_name::space_from_user;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An argument.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// The user's own file, by `devspace use` and `devspace space select`.
    UserFile(PathBuf),
    /// The name of the user, as the cluster reports it.
    UserName(String),
    /// The only one that there is.
    OnlyOne,
    /// The namespace of the context.
    ContextNamespace,
    /// The project file.
    ProjectFile(PathBuf),
    /// The kubeconfig says so itself.
    Kubeconfig,
    /// The engine says so.
    Engine,
    /// Nothing was said.
    Default,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    /// The value.
    pub(crate) value: T,
    /// Its origin.
    pub(crate) origin: Origin,
}

/// The value of a clap argument `id` with its origin, looked up in the innermost subcommand.
pub(crate) fn sourced<T>(
    matches: &clap::ArgMatches,
    id: &str,
    value: Option<T>,
    flag: &'static str,
    variable: &'static str,
) -> Option<Sourced<T>> {
    let mut innermost = matches;
    while let Some((_, next)) = innermost.subcommand() {
        innermost = next;
    }
    let from_environment = innermost.try_contains_id(id).is_ok()
        && innermost.value_source(id) == Some(clap::parser::ValueSource::EnvVariable);
    let origin = if from_environment {
        Origin::Environment(variable)
    } else {
        Origin::Flag(flag)
    };
    value.map(|value| Sourced { value, origin })
}

/// Why no baseline could be chosen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BaselineChoiceError {
    /// There is none.
    #[error("no baseline {}", place(engine))]
    None { engine: &'static str },
    /// The one asked for is not there.
    #[error("no baseline `{wanted}` {} (named by {origin})", place(engine))]
    Unknown {
        engine: &'static str,
        wanted: String,
        origin: Origin,
        known: Vec<String>,
    },
    /// Several, and nothing says which.
    #[error("several baselines {}: {}", place(engine), known.join(", "))]
    Several {
        engine: &'static str,
        known: Vec<String>,
    },
}

/// Where the baselines of an engine are, for people.
fn place(engine: &str) -> &'static str {
    if engine == Identity::LOCAL {
        "on this machine"
    } else {
        "in this cluster"
    }
}

/// Chooses a baseline, by its namespace.
///
/// # Errors
/// [`BaselineChoiceError`] with what there is to choose from.
pub(crate) fn choose_baseline(
    wanted: Option<Sourced<String>>,
    selected: Option<Sourced<String>>,
    known: &BTreeMap<String, Discovery>,
    identity: &Identity,
) -> Result<Sourced<String>, BaselineChoiceError> {
    let names = || known.keys().cloned().collect();
    let none = || BaselineChoiceError::None {
        engine: identity.engine,
    };
    if let Some(wanted) = wanted {
        if known.contains_key(&wanted.value) {
            return Ok(wanted);
        }
        if known.is_empty() {
            return Err(none());
        }
        return Err(BaselineChoiceError::Unknown {
            engine: identity.engine,
            wanted: wanted.value,
            origin: wanted.origin,
            known: names(),
        });
    }
    // A selection that is gone is no reason to stop: it was made for a state of the cluster that has passed.
    if let Some(selected) = selected.filter(|selected| known.contains_key(&selected.value)) {
        return Ok(selected);
    }
    let mut all = known.keys();
    match (all.next(), all.next()) {
        (None, _) => Err(none()),
        (Some(only), None) => Ok(Sourced {
            value: only.clone(),
            origin: Origin::OnlyOne,
        }),
        _ if known.contains_key(&identity.namespace) => Ok(Sourced {
            value: identity.namespace.clone(),
            origin: Origin::ContextNamespace,
        }),
        _ => Err(BaselineChoiceError::Several {
            engine: identity.engine,
            known: names(),
        }),
    }
}

/// Why no space could be chosen.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SpaceChoiceError {
    /// The name is none.
    #[error("{origin} gives no valid name for a space")]
    Invalid {
        origin: Origin,
        #[source]
        source: InvalidName,
    },
    /// Nothing names one, and nobody can be asked.
    #[error("no name for your space can be made from the user name `{user}`")]
    Unnamed { user: String },
}

/// Chooses the space's name; `None` if it has to be asked for.
///
/// # Errors
/// [`SpaceChoiceError::Invalid`], if what names it is no name.
pub(crate) fn choose_space(
    wanted: Option<Sourced<String>>,
    selected: Option<Sourced<String>>,
    user: &str,
) -> Result<Option<Sourced<SpaceName>>, SpaceChoiceError> {
    if let Some(Sourced { value, origin }) = wanted.or(selected) {
        let value = SpaceName::try_new(&value).map_err(|source| SpaceChoiceError::Invalid {
            origin: origin.clone(),
            source,
        })?;
        return Ok(Some(Sourced { value, origin }));
    }
    Ok(space_from_user(user).map(|value| Sourced {
        value,
        origin: Origin::UserName(user.to_owned()),
    }))
}

impl Origin {
    /// The environment variable where it is set, else the default.
    pub(crate) fn of_variable(name: &'static str) -> Self {
        match std::env::var_os(name) {
            Some(value) if !value.is_empty() => Self::Environment(name),
            _ => Self::Default,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Environment(variable) => write!(f, "${variable}"),
            Self::UserFile(file) => write!(f, "{}", file.display()),
            Self::UserName(user) => write!(f, "the user name `{user}`"),
            Self::OnlyOne => f.write_str("the only one"),
            Self::ContextNamespace => f.write_str("the context's namespace"),
            Self::ProjectFile(file) => write!(f, "{}", file.display()),
            Self::Kubeconfig => f.write_str("the kubeconfig"),
            Self::Engine => f.write_str("the engine"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Report for BaselineChoiceError {
    fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "no_baseline",
            Self::Unknown { .. } => "unknown_baseline",
            Self::Several { .. } => "several_baselines",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::None { engine } if *engine == Identity::LOCAL => {
                Hint::with("start a workspace's services", "devspace local start FOLDER")
            }
            Self::None { .. } => Hint::with(
                "an admin makes one in the application's namespace",
                "devspace baseline enable --all -b NAMESPACE",
            ),
            Self::Unknown { wanted, known, .. } => {
                match nearest(wanted, known.iter().map(String::as_str)).first() {
                    Some(name) => Hint::new(format!("did you mean `{name}`?")),
                    None => Hint::new(format!("there is {}", known.join(", "))),
                }
            }
            Self::Several { .. } => Hint::new(
                "name one with `-b NAMESPACE`, or keep one with `devspace space select NAME -b NAMESPACE`",
            ),
        })
    }
}

impl Report for SpaceChoiceError {
    fn code(&self) -> &'static str {
        "space_name"
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "name it with `-s NAME`: lower-case letters, digits and `-`, at most 63, no `--`",
        ))
    }
}

#[cfg(test)]
mod tests;
