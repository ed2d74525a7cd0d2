//! `devspace config`: every value in use and where it came from.

use crate::args::ConfigKey;
use crate::event::SettingRow;
use crate::settings::Sourced;

/// A value, or why there is none.
pub(crate) type Found = Result<Sourced<String>, String>;

/// The row of `key`.
pub(crate) fn row(key: ConfigKey, found: Found) -> SettingRow {
    let (value, origin) = match found {
        Ok(Sourced { value, origin }) => (Some(value), origin.to_string()),
        Err(reason) => (None, reason),
    };
    SettingRow {
        key: name(key).to_owned(),
        value,
        origin,
        ways: ways(key).iter().map(|way| (*way).to_owned()).collect(),
    }
}

/// The key as it is typed.
const fn name(key: ConfigKey) -> &'static str {
    match key {
        ConfigKey::Engine => "engine",
        ConfigKey::Context => "context",
        ConfigKey::User => "user",
        ConfigKey::Baseline => "baseline",
        ConfigKey::Space => "space",
        ConfigKey::Service => "service",
        ConfigKey::UserFile => "user-file",
        ConfigKey::LocalState => "local-state",
    }
}

/// What can set it, strongest first.
const fn ways(key: ConfigKey) -> &'static [&'static str] {
    match key {
        ConfigKey::Engine => &[
            "--engine",
            "$DEVSPACE_ENGINE",
            "--context or --kubeconfig: a cluster",
            "devspace use local|kube",
            "default: kube",
        ],
        ConfigKey::Context => &[
            "--context",
            "$DEVSPACE_CONTEXT",
            "devspace use kube CONTEXT",
            "the current context of the kubeconfig",
        ],
        ConfigKey::User => &[
            "kube: the credentials of the context, as the API server names them",
            "local: the user who started the local engine",
        ],
        ConfigKey::Baseline => &[
            "--baseline",
            "$DEVSPACE_BASELINE",
            "devspace space select NAME -b NAMESPACE",
            "the only one",
            "the namespace of the context",
        ],
        ConfigKey::Space => &[
            "--space",
            "$DEVSPACE_SPACE",
            "devspace space select NAME",
            "the name of the user",
        ],
        ConfigKey::Service => &["--service", "`service` in the devspace.yaml of this folder"],
        ConfigKey::UserFile => &[
            "$XDG_CONFIG_HOME/devspace/selection.json",
            "~/.config/devspace/selection.json",
        ],
        ConfigKey::LocalState => &[
            "$DEVSPACE_LOCAL_STATE",
            "$XDG_STATE_HOME/devspace/local",
            "~/.local/state/devspace/local",
        ],
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::settings::Origin;

    #[test]
    fn names_are_those_that_are_typed() {
        for key in ConfigKey::value_variants() {
            assert_eq!(key.to_possible_value().unwrap().get_name(), name(*key));
            assert!(!ways(*key).is_empty());
        }
    }

    #[test]
    fn a_value_that_is_not_known_has_its_reason() {
        let found = Ok(Sourced {
            value: "red".to_owned(),
            origin: Origin::Environment("DEVSPACE_SPACE"),
        });
        let known = row(ConfigKey::Space, found);
        assert_eq!(
            (known.value.as_deref(), known.origin.as_str()),
            (Some("red"), "$DEVSPACE_SPACE")
        );
        let unknown = row(ConfigKey::User, Err("no kubeconfig".to_owned()));
        assert_eq!((unknown.value, unknown.origin.as_str()), (None, "no kubeconfig"));
    }
}
