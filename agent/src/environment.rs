//! What the pod tells the agent by environment variables, and what of it the program sees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Variables with this prefix are the agent's and are taken out of the program's environment.
const PREFIX: &str = "DEVSPACE_";

/// The agent's settings.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `DEVSPACE_SPACE`: the space's name. Unset: empty.
    pub space: String,
    /// `DEVSPACE_SERVICE`: the service's name. Unset: empty.
    pub service: String,
    /// `DEVSPACE_GATEWAY`: `address:port` of the gateway. Unset: tunnels are refused.
    pub gateway: Option<String>,
    /// `DEVSPACE_PORTS`: the ports that the Service reaches, separated by commas. Unset: none.
    pub ports: Vec<u16>,
    /// `DEVSPACE_VOLUME`: the folder of the copy's volume. Required.
    pub volume: PathBuf,
    /// `DEVSPACE_COMMAND`: the template's command and arguments as a JSON array. Unset: none.
    pub command: Vec<String>,
    /// `DEVSPACE_SYNC_TARGETS`: the sync targets as a JSON array; the n-th is the volume's folder `src/<n>`. Unset: none.
    pub targets: Vec<String>,
    /// The container's environment without the agent's own variables.
    pub inherited: BTreeMap<OsString, OsString>,
}

/// Which variable is wrong.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A required variable is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    /// A list of ports holds something else.
    #[error("DEVSPACE_PORTS holds `{0}`, which is no port")]
    Port(String),
    /// A JSON array cannot be read.
    #[error("{name} is no JSON array of texts")]
    Json {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

// === impl Environment ===

impl Environment {
    /// Reads the settings from `variables`, which are the process's outside of tests.
    ///
    /// # Errors
    /// [`EnvironmentError`] names the variable.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, EnvironmentError> {
        let (own, inherited): (BTreeMap<_, _>, BTreeMap<_, _>) = variables
            .into_iter()
            .partition(|(name, _)| name.to_string_lossy().starts_with(PREFIX));
        let text = |name: &'static str| {
            let value = own.get(&OsString::from(name)).filter(|value| !value.is_empty());
            value
                .map(|value| {
                    value
                        .to_str()
                        .map(str::to_owned)
                        .ok_or(EnvironmentError::NotUtf8(name))
                })
                .transpose()
        };
        let list = |name: &'static str| match text(name)? {
            None => Ok(Vec::new()),
            Some(json) => serde_json::from_str::<Vec<String>>(&json)
                .map_err(|source| EnvironmentError::Json { name, source }),
        };
        let ports = text("DEVSPACE_PORTS")?.unwrap_or_default();
        let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty());
        Ok(Self {
            space: text("DEVSPACE_SPACE")?.unwrap_or_default(),
            service: text("DEVSPACE_SERVICE")?.unwrap_or_default(),
            gateway: text("DEVSPACE_GATEWAY")?,
            ports: ports
                .map(|port| port.parse().map_err(|_| EnvironmentError::Port(port.to_owned())))
                .collect::<Result<_, _>>()?,
            volume: text("DEVSPACE_VOLUME")?
                .ok_or(EnvironmentError::Missing("DEVSPACE_VOLUME"))?
                .into(),
            command: list("DEVSPACE_COMMAND")?,
            targets: list("DEVSPACE_SYNC_TARGETS")?,
            inherited,
        })
    }

    /// Where the agent keeps its state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.volume.join("state")
    }

    /// Each sync target and the folder of the volume that is mounted there.
    /// Files are renamed within the volume, which is one mount; the targets are mounts of their own.
    #[must_use]
    pub fn roots(&self) -> BTreeMap<String, PathBuf> {
        let folder = |n: usize| self.volume.join("src").join(n.to_string());
        self.targets
            .iter()
            .enumerate()
            .map(|(n, target)| (target.clone(), folder(n)))
            .collect()
    }

    /// The environment of a build or program: the container's, then `own` with `${space}` replaced.
    #[must_use]
    pub fn of_program(&self, own: &BTreeMap<String, String>) -> BTreeMap<OsString, OsString> {
        let mut all = self.inherited.clone();
        all.extend(
            own.iter()
                .map(|(name, value)| (name.into(), value.replace("${space}", &self.space).into())),
        );
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn the_program_does_not_see_our_variables() {
        let environment = Environment::from_variables(variables(&[
            ("PATH", "/bin"),
            ("DEVSPACE_VOLUME", "/v"),
            ("DEVSPACE_SPACE", "red"),
            ("DEVSPACE_PORTS", "80, 8080"),
            ("DEVSPACE_SYNC_TARGETS", r#"["/app","/lib"]"#),
        ]))
        .unwrap();
        assert_eq!(environment.ports, [80, 8080]);
        assert_eq!(environment.roots()["/lib"], PathBuf::from("/v/src/1"));
        let seen = environment.of_program(&BTreeMap::from([(
            "QUEUE".to_owned(),
            "jobs-${space}".to_owned(),
        )]));
        assert_eq!(
            seen,
            variables(&[("PATH", "/bin"), ("QUEUE", "jobs-red")])
                .into_iter()
                .collect()
        );
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let with =
            |name, value| Environment::from_variables(variables(&[("DEVSPACE_VOLUME", "/v"), (name, value)]));
        assert!(matches!(
            with("DEVSPACE_PORTS", "http"),
            Err(EnvironmentError::Port(_))
        ));
        assert!(matches!(
            with("DEVSPACE_COMMAND", "x"),
            Err(EnvironmentError::Json { .. })
        ));
        assert!(matches!(
            Environment::from_variables([]),
            Err(EnvironmentError::Missing("DEVSPACE_VOLUME"))
        ));
    }
}
