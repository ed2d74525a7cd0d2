//! Settings, read once at start from the environment.

use std::time::Duration;

use thiserror::Error;

use crate::context::{CarrierList, CarrierListError};

/// Settings that every service has.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port to listen on, `PORT`, 8080 unless told. Programs without root rights cannot bind below 1024.
    pub port: u16,
    /// Headers copied from an incoming request to every call it causes, `PROPAGATE_HEADERS`.
    pub carriers: CarrierList,
    /// Address of the store, `CONNECTION_STRING`. The scheme chooses the kind; `memory:` keeps data in the process.
    pub connection: String,
    /// How long to wait for the store at start, `STORE_WAIT_SECONDS`, 60 s unless told.
    pub store_wait: Duration,
    /// How long connections are told to close before the listener goes away, `DRAIN_MS`, 1000 ms unless told.
    pub drain: Duration,
    /// The least important level that is logged, `LOG_LEVEL`, `info` unless told.
    pub log_level: tracing::Level,
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A required variable is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable has a value of the wrong form.
    #[error("{name} has the value {value:?}, which is not {expected}")]
    Form {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// The list of headers names something that is no header.
    #[error("PROPAGATE_HEADERS cannot be used")]
    Carriers(#[source] CarrierListError),
}

/// Where settings come from: the environment in a program, a closure over a map in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads one variable of the process's environment.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Settings {
    /// Reads the common settings.
    ///
    /// # Errors
    /// The first setting that is missing or has the wrong form.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingsError> {
        let carriers = match lookup("PROPAGATE_HEADERS") {
            Some(list) => CarrierList::parse(&list).map_err(SettingsError::Carriers)?,
            None => CarrierList::default(),
        };
        Ok(Self {
            port: parsed(lookup, "PORT", "a port number", 8080)?,
            carriers,
            connection: required(lookup, "CONNECTION_STRING")?,
            store_wait: Duration::from_secs(parsed(lookup, "STORE_WAIT_SECONDS", "a number of seconds", 60)?),
            drain: Duration::from_millis(parsed(lookup, "DRAIN_MS", "a number of milliseconds", 1000)?),
            log_level: parsed(lookup, "LOG_LEVEL", "a log level", tracing::Level::INFO)?,
        })
    }
}

/// A variable that must be there.
///
/// # Errors
/// The variable is not set.
pub fn required(lookup: Lookup<'_>, name: &'static str) -> Result<String, SettingsError> {
    lookup(name).ok_or(SettingsError::Missing(name))
}

/// A variable with a default, parsed.
///
/// # Errors
/// The variable is set to something that does not parse.
pub fn parsed<T: std::str::FromStr>(
    lookup: Lookup<'_>,
    name: &'static str,
    expected: &'static str,
    default: T,
) -> Result<T, SettingsError> {
    match lookup(name) {
        None => Ok(default),
        Some(value) => value.parse().map_err(|_| SettingsError::Form {
            name,
            value,
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(&|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_need_only_a_store() {
        let settings = read(&[("CONNECTION_STRING", "memory:")]).unwrap();
        assert_eq!(settings.port, 8080);
        assert_eq!(settings.store_wait, Duration::from_secs(60));
        assert_eq!(settings.drain, Duration::from_secs(1));
        assert_eq!(settings.carriers, CarrierList::default());
    }

    #[test]
    fn a_missing_store_and_a_bad_port_are_named() {
        assert_eq!(read(&[]).unwrap_err().to_string(), "CONNECTION_STRING is not set");
        let error = read(&[("CONNECTION_STRING", "memory:"), ("PORT", "eighty")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PORT has the value \"eighty\", which is not a port number"
        );
    }
}
