//! What can be wrong with a `devspace.yaml`.

use std::path::PathBuf;

use devspace_core::InvalidName;

use super::FILE_NAME;
use super::place::Place;
use super::variables::Known;
use crate::exit::Exit;
use crate::report::{Hint, Report};

/// Why a project cannot be used. Every variant ends the run with the usage code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    /// There is no file.
    #[error("no `{FILE_NAME}` in {}", folder.display())]
    Missing { folder: PathBuf },
    /// It cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// It belongs to another program.
    #[error("{} is a file of another tool named devspace (`version: {version}`), which this one is not", file.display())]
    Foreign { file: PathBuf, version: String },
    /// Nothing is in it.
    #[error("{} is empty", file.display())]
    Empty { file: PathBuf },
    /// A key that does not exist.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        place: Place,
        key: String,
        nearest: Vec<String>,
        known: Vec<String>,
    },
    /// No YAML, or a value of a wrong type. `shown` is the place in the text.
    #[error("{place}: not a valid `{FILE_NAME}`\n{shown}")]
    Syntax { place: Place, shown: String },
    /// A key that stands twice.
    #[error("{place}: `{key}` stands twice")]
    TwiceKey { place: Place, key: String },
    /// A key that must be there.
    #[error("{place}: `{key}` is missing")]
    MissingKey { place: Place, key: &'static str },
    /// Another version of the format.
    #[error("{place}: `devspace: {found}` is a version of the format that this program does not know")]
    Version { place: Place, found: u32 },
    /// No service name.
    #[error("{place}: `service` is no name of a Service")]
    Service { place: Place, source: InvalidName },
    /// Both or neither of `build.run` and `build.here`.
    #[error("{place}: `build` needs exactly one of `run` (in the container) and `here` (in this folder)")]
    BuildChoice { place: Place },
    /// A command with nothing in it.
    #[error("{place}: `{key}` is an empty list; it holds a program and its arguments")]
    EmptyCommand { place: Place, key: &'static str },
    /// A path that is not absolute.
    #[error("{place}: `{path}` is not absolute; `{key}` names a folder in the container")]
    Relative {
        place: Place,
        key: &'static str,
        path: String,
    },
    /// Two targets, one inside the other.
    #[error("{place}: `{inner}` lies in `{outer}`, and both are sync targets")]
    Nested {
        place: Place,
        inner: String,
        outer: String,
    },
    /// A folder that is not there.
    #[error("{place}: `from: {given}` is no folder ({} does not exist)", path.display())]
    NoFolder {
        place: Place,
        given: String,
        path: PathBuf,
    },
    /// A path that leaves its folder.
    #[error("{place}: `{path}` leaves the synced folder; `{key}` is relative to `from`")]
    Leaves {
        place: Place,
        key: &'static str,
        path: String,
    },
    /// No glob.
    #[error("{place}: `{glob}` is no glob")]
    Glob {
        place: Place,
        glob: String,
        source: globset::Error,
    },
    /// No duration.
    #[error("{place}: `{text}` is no duration")]
    Duration { place: Place, text: String },
    /// Port 0.
    #[error("{place}: port 0 is no port")]
    Port { place: Place },
    /// A variable in `env` that nothing stands for.
    #[error("{place}: nothing stands for `${{{name}}}`")]
    Variable {
        place: Place,
        name: String,
        known: Known,
    },
    /// Nothing to run and nothing to sync.
    #[error("{place}: neither `sync` nor `image` says what the copy runs")]
    Nothing { place: Place },
    /// Two folders for one service.
    #[error("service {service} stands in both {} and {}", first.display(), second.display())]
    Twice {
        service: String,
        first: PathBuf,
        second: PathBuf,
    },
    /// A workspace where a service is wanted.
    #[error("{} is the file of a workspace, not of a service", file.display())]
    IsWorkspace { file: PathBuf, services: Vec<String> },
    /// No workspace.
    #[error("no `{FILE_NAME}` with `workspace` in {} or above it", folder.display())]
    NoWorkspace { folder: PathBuf },
    /// `workspace` beside the keys of a service, and it does not list that service.
    #[error("{place}: `service` stands beside `workspace`, whose services do not name `.`")]
    BothKinds { place: Place },
    /// A workspace's name that is none.
    #[error("{place}: `workspace.name` is no name of a baseline")]
    WorkspaceName { place: Place, source: InvalidName },
    /// A workspace of nothing.
    #[error("{place}: `workspace.services` names no folder")]
    NoServices { place: Place },
    /// A service's folder that is not there.
    #[error("{place}: the service folder `{given}` is not there ({} is no folder)", path.display())]
    NoServiceFolder {
        place: Place,
        given: String,
        path: PathBuf,
    },
    /// A host that is none.
    #[error("{place}: `{text}` is no host name")]
    Host { place: Place, text: String },
    /// A route that is none.
    #[error("{place}: the route `{prefix}` does not begin with `/`")]
    RoutePrefix { place: Place, prefix: String },
    /// A route to nobody.
    #[error("{}: the route `{prefix}` leads to `{service}`, which is no service of the workspace", file.display())]
    RouteTarget {
        file: PathBuf,
        prefix: String,
        service: String,
        known: Vec<String>,
    },
    /// A service that only a cluster can run.
    #[error("{}: `{service}` cannot run on this machine: `{key}` is missing", file.display())]
    NotHere {
        file: PathBuf,
        service: String,
        key: &'static str,
        line: &'static str,
    },
    /// The address of a service that is not there.
    #[error("{}: `local.env` asks for the address of `{peer}`, which is no service of the workspace", file.display())]
    UnknownPeer {
        file: PathBuf,
        peer: String,
        known: Vec<String>,
    },
}

/// A service's file that is enough.
const SERVICE: &str = "devspace: 1\nservice: package\nsync: [{from: ., to: /app}]\nrun: [node, server.js]";
/// A workspace's file that is enough.
const WORKSPACE: &str =
    "devspace: 1\nworkspace: {name: shop, services: [services/package, services/delivery]}";

impl Report for ProjectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "project_missing",
            Self::Foreign { .. } => "project_foreign",
            Self::UnknownKey { .. } => "project_unknown_key",
            Self::Twice { .. } => "service_twice",
            Self::NoWorkspace { .. } => "workspace_missing",
            Self::NotHere { .. } => "project_not_local",
            _ => "project_invalid",
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Missing { .. } => Some(Hint::with(
                "go to a service's folder, name it (`devspace up PATH`), or write the file; this much is enough",
                SERVICE,
            )),
            Self::Empty { .. } => Some(Hint::with("this much is enough", SERVICE)),
            Self::Foreign { .. } => Some(Hint::new(
                "both tools use this file name; keep them apart, for example with `devspace up OTHER-FOLDER`; a file of this one begins with `devspace: 1`",
            )),
            Self::UnknownKey { nearest, known, .. } => Some(match nearest.first() {
                Some(name) => Hint::new(format!("did you mean `{name}`?")),
                None => Hint::new(format!("known here: {}", known.join(", "))),
            }),
            Self::MissingKey { key: "devspace", .. } => Some(Hint::new("the file begins with `devspace: 1`")),
            Self::Version { .. } => Some(Hint::new("this program knows `devspace: 1`")),
            Self::Duration { .. } => Some(Hint::new("write it as `90s`, `10m` or `1h30m`")),
            Self::Variable { known, .. } => Some(Hint::new(known.described())),
            Self::NoServiceFolder { .. } => Some(Hint::new(
                "a service's folder is relative to the workspace's file",
            )),
            Self::IsWorkspace { services, .. } => Some(Hint::with(
                "name the folder of one of its services",
                services
                    .iter()
                    .map(|service| format!("devspace up {service}"))
                    .collect::<Vec<_>>()
                    .join("\n"),
            )),
            Self::NoWorkspace { .. } => Some(Hint::with(
                "name its folder (`devspace local start FOLDER`), or write the file above the services; this much is enough",
                WORKSPACE,
            )),
            Self::BothKinds { .. } => Some(Hint::new(
                "a service's keys stand in the `devspace.yaml` of its own folder, which `workspace.services` names",
            )),
            Self::Host { .. } => Some(Hint::new(
                "a host is letters, digits, `-` and dots, without a port: `shop.localhost`",
            )),
            Self::RouteTarget { service, known, .. }
            | Self::UnknownPeer {
                peer: service, known, ..
            } => Some(among(service, known)),
            Self::NotHere { line, .. } => Some(Hint::with(
                "in a cluster the baseline's template says it; here the file must, for example with",
                *line,
            )),
            Self::NoFolder { .. } => Some(Hint::new("`from` is relative to the folder of `devspace.yaml`")),
            _ => None,
        }
    }
}

/// The nearest of the known names, or all.
fn among(name: &str, known: &[String]) -> Hint {
    match crate::nearest::nearest(name, known.iter().map(String::as_str)).first() {
        Some(near) => Hint::new(format!("did you mean `{near}`?")),
        None => Hint::new(format!("its services are {}", known.join(", "))),
    }
}
