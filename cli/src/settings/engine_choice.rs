//! Which engine a command works on.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{Origin, Sourced, UserFile};

/// Where spaces live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EngineKind {
    /// A cluster.
    #[default]
    Kube,
    /// Processes on this machine.
    Local,
}

/// What the arguments say about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EngineAsked {
    /// The engine.
    pub(crate) engine: Option<Sourced<EngineKind>>,
    /// The context.
    pub(crate) context: Option<Sourced<String>>,
    /// A kubeconfig was named.
    pub(crate) kubeconfig: bool,
}

/// The engine, and the context if it is a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineChoice {
    /// The engine.
    pub(crate) engine: Sourced<EngineKind>,
    /// Context of the kubeconfig. Unset: its current one.
    pub(crate) context: Option<Sourced<String>>,
}

/// Chooses: what is asked, then what `devspace use` kept, then a cluster.
/// Whoever types a context or a kubeconfig means a cluster.
pub(crate) fn choose_engine(asked: EngineAsked, file: &UserFile) -> EngineChoice {
    let typed = |context: &Sourced<String>| matches!(context.origin, Origin::Flag(_));
    let implied = if asked.kubeconfig {
        Some("--kubeconfig")
    } else {
        asked
            .context
            .as_ref()
            .filter(|context| typed(context))
            .map(|_| "--context")
    };
    let implied = implied.map(|flag| Sourced {
        value: EngineKind::Kube,
        origin: Origin::Flag(flag),
    });
    let of_file = || Origin::UserFile(file.path.clone());
    let kept = file.engine().map(|value| Sourced {
        value,
        origin: of_file(),
    });
    let engine = asked.engine.or(implied).or(kept).unwrap_or(Sourced {
        value: EngineKind::default(),
        origin: Origin::Default,
    });
    let kept = file
        .context()
        .filter(|_| !asked.kubeconfig)
        .map(|context| Sourced {
            value: context.to_owned(),
            origin: of_file(),
        });
    let context = match engine.value {
        EngineKind::Kube => asked.context.or(kept),
        EngineKind::Local => None,
    };
    EngineChoice { engine, context }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kube => "kube",
            Self::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag<T>(value: T, flag: &'static str) -> Option<Sourced<T>> {
        Some(Sourced {
            value,
            origin: Origin::Flag(flag),
        })
    }

    /// A user's file in which `use` was called.
    fn file(engine: EngineKind, context: Option<&str>) -> (tempfile::TempDir, UserFile) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = UserFile::load_from(folder.path().join("selection.json")).unwrap();
        file.use_engine(engine, context.map(str::to_owned)).unwrap();
        (folder, file)
    }

    #[test]
    fn nothing_said_is_a_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let file = UserFile::load_from(folder.path().join("none.json")).unwrap();
        let choice = choose_engine(EngineAsked::default(), &file);
        assert_eq!(choice.engine.value, EngineKind::Kube);
        assert_eq!(choice.engine.origin, Origin::Default);
        assert_eq!(choice.context, None);
    }

    #[test]
    fn what_use_kept_counts_until_something_is_typed() {
        let (_folder, local) = file(EngineKind::Local, None);
        let choice = choose_engine(EngineAsked::default(), &local);
        assert_eq!(choice.engine.value, EngineKind::Local);
        assert_eq!(choice.engine.origin, Origin::UserFile(local.path.clone()));
        let typed = EngineAsked {
            context: flag("dev".to_owned(), "--context"),
            ..EngineAsked::default()
        };
        let choice = choose_engine(typed, &local);
        assert_eq!(choice.engine.value, EngineKind::Kube);
        assert_eq!(choice.engine.origin, Origin::Flag("--context"));
        assert_eq!(choice.context.unwrap().value, "dev");
        // A variable of the shell is weaker than a choice that was made.
        let of_shell = EngineAsked {
            context: Some(Sourced {
                value: "dev".to_owned(),
                origin: Origin::Environment("DEVSPACE_CONTEXT"),
            }),
            ..EngineAsked::default()
        };
        let choice = choose_engine(of_shell, &local);
        assert_eq!((choice.engine.value, choice.context), (EngineKind::Local, None));
    }

    #[test]
    fn the_kept_context_is_one_of_the_usual_kubeconfig() {
        let (_folder, kube) = file(EngineKind::Kube, Some("prod"));
        let choice = choose_engine(EngineAsked::default(), &kube);
        assert_eq!(choice.context.unwrap().value, "prod");
        let other = EngineAsked {
            kubeconfig: true,
            ..EngineAsked::default()
        };
        assert_eq!(choose_engine(other, &kube).context, None);
        let asked = EngineAsked {
            engine: flag(EngineKind::Local, "--engine"),
            ..EngineAsked::default()
        };
        assert_eq!(choose_engine(asked, &kube).engine.value, EngineKind::Local);
    }
}
