//! The file as it is written. Every key is optional here; [`super::check`] says what is missing.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::ProjectError;
use super::place::Place;

/// How `devspace up` makes a copy of one service from this folder; or, with `workspace`, which services make up the
/// application that `devspace local start` runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "devspace.yaml")]
pub(crate) struct RawProject {
    /// The version of this file's format: 1.
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub(super) devspace: Option<Spanned<u32>>,
    /// The baseline's Service that this folder is the source of.
    #[schemars(with = "String")]
    pub(super) service: Option<Spanned<String>>,
    /// The container of the baseline's pod that runs the service. Default: the one that the Service's first port reaches.
    pub(super) container: Option<String>,
    /// Image of the copy. Default: the baseline's.
    pub(super) image: Option<String>,
    /// CPU and memory of the copy. Default: what the baseline's admin set for copies.
    pub(super) resources: Option<RawResources>,
    /// Folders in the container that outlive the pod: build caches, installed packages.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) cache: Option<Vec<Spanned<String>>>,
    /// Folders that are kept equal. The first one's `to` is the working directory of `build` and `run` where `run` is set.
    pub(super) sync: Option<Vec<RawSync>>,
    /// What turns source into a program. Default: nothing, the program is started from the synced files.
    #[schemars(with = "Option<RawBuild>")]
    pub(super) build: Option<Spanned<RawBuild>>,
    /// The program and its arguments. Default: the command of the baseline's container.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) run: Option<Spanned<Vec<String>>>,
    /// Globs of synced paths whose change restarts the program without a build. Default: every path where there is no
    /// `build`, and none where there is one. An empty list is for a program that reloads itself.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) restart: Option<Vec<Spanned<String>>>,
    /// Environment of `build` and `run`. `${space}` stands for the space's name. Here and in `build` and `run`, `${port}`
    /// stands for the service's first port and `${port:9229}` for the port that plays the part of 9229.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(super) env: Option<BTreeMap<String, Spanned<String>>>,
    /// Ports that the program listens on. Default: those that the baseline's Service reaches.
    #[schemars(with = "Option<Vec<u16>>")]
    pub(super) ports: Option<Vec<Spanned<u16>>>,
    /// Port of the program's debugger; `devspace up` makes it reachable on this machine.
    #[schemars(with = "Option<u16>")]
    pub(super) debug: Option<Spanned<u16>>,
    /// How long requests wait while the copy restarts, as `90s`. Default: 30s.
    #[schemars(with = "Option<String>")]
    pub(super) hold: Option<Spanned<String>>,
    /// What counts on the local engine only.
    pub(super) local: Option<RawLocal>,
    /// The application that `devspace local start` runs on this machine. A file with it has no other key but `devspace`.
    #[schemars(with = "Option<RawWorkspace>")]
    pub(super) workspace: Option<Spanned<RawWorkspace>>,
}

/// What counts on the local engine only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLocal {
    /// Environment on the local engine, for the service and its copies. `${package.url}`, `${package.host}` and
    /// `${package.port}` stand for the address of the service `package`, `${data}` for a folder that the service keeps;
    /// `${space}` and `${port}` as in `env`.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(super) env: Option<BTreeMap<String, Spanned<String>>>,
}

/// An application on this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWorkspace {
    /// Its name, which is the name of the baseline: a DNS label.
    #[schemars(with = "String")]
    pub(super) name: Option<Spanned<String>>,
    /// Folders of its services, relative to this file. Each has a `devspace.yaml` with `service`, `ports`, `sync` and `run`.
    #[schemars(with = "Vec<String>")]
    pub(super) services: Option<Spanned<Vec<Spanned<String>>>>,
    /// The host that people use, without a port. Default: `localhost`, so that a space is at `red.localhost`.
    #[schemars(with = "Option<String>")]
    pub(super) host: Option<Spanned<String>>,
    /// Path prefixes and the service that answers each. Default: `/` is the first service.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(super) routes: Option<BTreeMap<String, Spanned<String>>>,
    /// The port for people. Default: 7080. Where it is taken another one is picked, and said.
    #[schemars(with = "Option<u16>")]
    pub(super) port: Option<Spanned<u16>>,
}

/// CPU and memory as Kubernetes quantities.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawResources {
    /// CPU, as `"4"` or `500m`.
    pub(super) cpu: Option<String>,
    /// Memory, as `6Gi`.
    pub(super) memory: Option<String>,
}

/// One synced folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSync {
    /// The folder here, relative to this file. Default: this file's folder.
    #[schemars(with = "Option<String>")]
    pub(super) from: Option<Spanned<String>>,
    /// The folder in the container, absolute.
    #[schemars(with = "String")]
    pub(super) to: Option<Spanned<String>>,
    /// Paths below `from` that are synced, by name or glob. Default: all that the ignore rules leave.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) only: Option<Vec<Spanned<String>>>,
    /// Paths below `from` that come back when the copy changes them.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) back: Option<Vec<Spanned<String>>>,
}

/// The build: one of `run` and `here`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBuild {
    /// Command that is run in the container.
    pub(super) run: Option<Vec<String>>,
    /// Command that is run in this file's folder; what it makes is synced.
    pub(super) here: Option<Vec<String>>,
    /// Globs of paths whose change makes a build due. Default: any change.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) when: Option<Vec<Spanned<String>>>,
}

/// The key by which a file of the other tool of this name is known.
#[derive(Debug, Deserialize)]
struct Foreign {
    version: Option<String>,
    devspace: Option<serde::de::IgnoredAny>,
}

/// Reads the text, and recognises a file of the other tool of this name.
///
/// # Errors
/// The first thing that does not fit, with its place.
pub(super) fn parse(file: &Path, text: &str) -> Result<RawProject, ProjectError> {
    if let Ok(Some(Foreign {
        version: Some(version),
        devspace: None,
    })) = serde_saphyr::from_str::<Option<Foreign>>(text)
    {
        return Err(ProjectError::Foreign {
            file: file.to_owned(),
            version,
        });
    }
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Err(ProjectError::Empty {
            file: file.to_owned(),
        });
    }
    serde_saphyr::from_str(text).map_err(|error| syntax(file, &error))
}

/// Says what is expected in the words of the documentation.
struct Words;

impl serde_saphyr::MessageFormatter for Words {
    fn format_message<'a>(&self, error: &'a serde_saphyr::Error) -> std::borrow::Cow<'a, str> {
        match error {
            serde_saphyr::Error::Unexpected {
                expected: "sequence start",
                ..
            } => "a list is expected here, as `[program, argument]`".into(),
            serde_saphyr::Error::Unexpected {
                expected: "mapping start",
                ..
            } => "keys are expected here, as `{key: value}`".into(),
            serde_saphyr::Error::Unexpected {
                expected: "string scalar",
                ..
            } => "text is expected here".into(),
            _ => serde_saphyr::UserMessageFormatter.format_message(error),
        }
    }
}

/// What the parser says, with the lines that it is about.
fn shown(file: &Path, error: &serde_saphyr::Error) -> String {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    error.render_with_options(serde_saphyr::render_options! {
        formatter: &Words,
        source_name: Some(name.as_str()),
    })
}

fn syntax(file: &Path, error: &serde_saphyr::Error) -> ProjectError {
    let place = Place::new(file, error.location());
    match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => ProjectError::UnknownKey {
            place,
            key: field.clone(),
            nearest: crate::nearest::nearest(field, expected.iter().copied()),
            known: expected.iter().map(|key| (*key).to_owned()).collect(),
        },
        serde_saphyr::Error::DuplicateMappingKey { key, .. } => ProjectError::TwiceKey {
            place,
            key: key.clone().unwrap_or_default(),
        },
        _ => ProjectError::Syntax {
            place,
            shown: shown(file, error),
        },
    }
}
