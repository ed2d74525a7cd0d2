//! What the pod or the local engine tells the agent by environment variables, and what of it the program sees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::place::{Paths, Ports};

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
    /// `DEVSPACE_PATHS`: paths as in a container and the folders that stand for them, as a JSON object. Set by the
    /// local engine only; unset: there is a container, and paths are what they are.
    pub paths: Option<Paths>,
    /// `DEVSPACE_PORT_MAP`: ports as the project's file numbers them and those that play their part, as a JSON object.
    /// Set by the local engine only. Unset: each port is itself.
    pub port_map: BTreeMap<u16, u16>,
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
    /// A JSON value cannot be read.
    #[error("{name} is not the JSON that it should be")]
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
            Some(json) => parsed::<Vec<String>>(name, &json),
        };
        let paths = match text("DEVSPACE_PATHS")? {
            None => None,
            Some(json) => Some(parsed::<BTreeMap<String, PathBuf>>("DEVSPACE_PATHS", &json)?.into()),
        };
        let port_map = match text("DEVSPACE_PORT_MAP")? {
            None => BTreeMap::new(),
            Some(json) => parsed("DEVSPACE_PORT_MAP", &json)?,
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
            paths,
            port_map,
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
        let folder = |n: usize, target: &str| {
            let local = self.paths.as_ref().and_then(|paths| paths.folder(target));
            local.unwrap_or_else(|| self.volume.join("src").join(n.to_string()))
        };
        self.targets
            .iter()
            .enumerate()
            .map(|(n, target)| (target.clone(), folder(n, target)))
            .collect()
    }

    /// Whether the local engine started us: there is no container.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.paths.is_some()
    }

    /// The ports that really have to listen: `declared`, or those that the Service reaches.
    #[must_use]
    pub fn listening(&self, declared: &[u16]) -> Vec<u16> {
        let ports = self.ports_of(declared);
        self.declared(declared)
            .iter()
            .map(|port| ports.of(*port))
            .collect()
    }

    /// `command` with ports filled in, and with folders in the place of a container's paths.
    #[must_use]
    pub fn command(&self, command: &[String], declared: &[u16]) -> Vec<String> {
        let ports = self.ports_of(declared);
        command
            .iter()
            .map(|text| self.placed(&ports.fill(text)))
            .collect()
    }

    /// The working directory. Where there is no container and none is named, it is the first sync target.
    #[must_use]
    pub fn working_dir(&self, named: Option<&str>) -> Option<PathBuf> {
        let Some(paths) = &self.paths else {
            return named.map(Into::into);
        };
        let named = named.or(self.targets.first().map(String::as_str));
        let Some(named) = named else {
            return Some(self.volume.clone());
        };
        Some(paths.folder(named).unwrap_or_else(|| named.into()))
    }

    fn declared<'a>(&'a self, declared: &'a [u16]) -> &'a [u16] {
        if declared.is_empty() {
            &self.ports
        } else {
            declared
        }
    }

    fn ports_of(&self, declared: &[u16]) -> Ports {
        Ports {
            first: self.declared(declared).first().copied(),
            picked: self.port_map.clone(),
        }
    }

    fn placed(&self, text: &str) -> String {
        match &self.paths {
            Some(paths) => paths.rewrite(text),
            None => text.to_owned(),
        }
    }

    /// The environment of a build or program: the container's, then `own` with `${space}`, `${port}` and
    /// `${port:9229}` replaced. Where there is no container, `PORT` is the first port, and paths are rewritten.
    #[must_use]
    pub fn of_program(
        &self,
        own: &BTreeMap<String, String>,
        declared: &[u16],
    ) -> BTreeMap<OsString, OsString> {
        let ports = self.ports_of(declared);
        let mut all = self.inherited.clone();
        if let Some(first) = ports.first.filter(|_| self.is_local()) {
            all.insert("PORT".into(), ports.of(first).to_string().into());
        }
        all.extend(own.iter().map(|(name, value)| {
            let value = ports.fill(&value.replace("${space}", &self.space));
            (name.into(), self.placed(&value).into())
        }));
        all
    }
}

fn parsed<T: serde::de::DeserializeOwned>(name: &'static str, json: &str) -> Result<T, EnvironmentError> {
    serde_json::from_str(json).map_err(|source| EnvironmentError::Json { name, source })
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
        let own = BTreeMap::from([("QUEUE".to_owned(), "jobs-${space}-${port}:/app".to_owned())]);
        let seen = environment.of_program(&own, &[]);
        assert_eq!(
            seen,
            variables(&[("PATH", "/bin"), ("QUEUE", "jobs-red-80:/app")])
                .into_iter()
                .collect()
        );
    }

    #[test]
    fn on_a_machine_ports_are_picked_and_paths_are_folders() {
        let environment = Environment::from_variables(variables(&[
            ("PORT", "of the shell"),
            ("DEVSPACE_VOLUME", "/v"),
            ("DEVSPACE_PORTS", "8080"),
            ("DEVSPACE_PORT_MAP", r#"{"8080":40001,"9229":40002}"#),
            ("DEVSPACE_SYNC_TARGETS", r#"["/app"]"#),
            ("DEVSPACE_PATHS", r#"{"/app":"/v/root/app"}"#),
        ]))
        .unwrap();
        let own = BTreeMap::from([("DB".to_owned(), "/app/db".to_owned())]);
        assert_eq!(
            environment.of_program(&own, &[]),
            variables(&[("PORT", "40001"), ("DB", "/v/root/app/db")])
                .into_iter()
                .collect()
        );
        assert_eq!(environment.roots()["/app"], PathBuf::from("/v/root/app"));
        assert_eq!(environment.listening(&[]), [40_001]);
        assert_eq!(environment.listening(&[9229, 1]), [40_002, 1]);
        assert_eq!(environment.working_dir(None), Some("/v/root/app".into()));
        assert_eq!(environment.working_dir(Some("/opt/x")), Some("/opt/x".into()));
        let run = ["/app/bin".to_owned(), "--port=${port}".to_owned()];
        assert_eq!(
            environment.command(&run, &[]),
            ["/v/root/app/bin", "--port=40001"]
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
