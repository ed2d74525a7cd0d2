//! What can go wrong below the seam.

use devspace_local::protocol::PROTOCOL;

use crate::exit::Exit;
use crate::report::{Hint, Report};

/// What lies under an error.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// One request to the API, in the words of RBAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Verbs that it needs.
    pub(crate) verbs: &'static [&'static str],
    /// API group; empty for the core group.
    pub(crate) group: String,
    /// Resource, with subresource: `pods/exec`.
    pub(crate) resource: String,
    /// Namespace; unset for what has none.
    pub(crate) namespace: Option<String>,
    /// Object, where one is named.
    pub(crate) name: Option<String>,
}

/// Why the engine did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// No kubeconfig.
    #[error("no kubeconfig: {looked}")]
    NoConfig {
        looked: String,
        /// A local engine runs on this machine.
        local_runs: bool,
    },
    /// A kubeconfig that cannot be used.
    #[error("the kubeconfig cannot be used")]
    Config(#[source] Source),
    /// A context that it does not have.
    #[error("the kubeconfig has no context `{context}`")]
    UnknownContext { context: String, known: Vec<String> },
    /// No context chosen.
    #[error("the kubeconfig has no current context")]
    NoContext { known: Vec<String> },
    /// Credentials could not be got.
    #[error("no credentials for context `{context}`")]
    Credentials { context: String, source: Source },
    /// They are not accepted.
    #[error("the API server does not accept the credentials of context `{context}`; they may have expired")]
    Unauthorized { context: String },
    /// A right is missing.
    #[error("{}", attempt.refused())]
    Forbidden { attempt: Box<Attempt>, message: String },
    /// A rule of the cluster says no: validation or an admission policy.
    #[error("the cluster refuses {}: {message}", attempt.object())]
    Denied { attempt: Box<Attempt>, message: String },
    /// Nobody answers.
    #[error("cannot reach the API server at {server}")]
    Unreachable { server: String, source: Source },
    /// Our resources are not defined.
    #[error("devspace is not installed in this cluster: it does not know {resource}")]
    NotInstalled { resource: String },
    /// The namespace or object is not there.
    #[error("{} is not there", attempt.object())]
    NotFound { attempt: Box<Attempt> },
    /// It changed in between, or exists already.
    #[error("{} was changed by somebody else at the same time", attempt.object())]
    Conflict { attempt: Box<Attempt> },
    /// The copy has no pod.
    #[error("the copy of {service} in space {space} has no pod")]
    NoPod { service: String, space: String },
    /// The server could not do it.
    #[error("the API server could not handle {}", attempt.object())]
    Request { attempt: Box<Attempt>, source: Source },
    /// A stream broke.
    #[error("the connection to the copy broke")]
    Stream(#[source] Source),
    /// A verb of clusters, on an engine that is none.
    #[error("`devspace {verb}` changes Services of a cluster, and the engine in use is `local`")]
    NoCluster { verb: &'static str },
    /// No daemon.
    #[error("the local engine does not run")]
    NotRunning,
    /// A daemon of another version of this program.
    #[error(
        "the local engine that runs (devspace {version}, process {pid}) speaks version {protocol} of the protocol, \
         and this program version {PROTOCOL}"
    )]
    OtherProtocol {
        version: String,
        protocol: u32,
        pid: u32,
    },
    /// There is no place for its state.
    #[error("the local engine has no state folder")]
    NoState(#[source] Source),
    /// It cannot be talked to.
    #[error("cannot talk to the local engine at {}", socket.display())]
    Daemon {
        socket: std::path::PathBuf,
        source: Source,
    },
    /// It says no.
    #[error("the local engine refuses it: {message}")]
    LocalRefused { message: String },
    /// It tried and could not.
    #[error("the local engine could not do it: {message}")]
    LocalFailed { message: String },
}

// === impl Attempt ===

impl Attempt {
    fn refused(&self) -> String {
        let place = self
            .namespace
            .as_ref()
            .map(|namespace| format!(" in namespace {namespace}"))
            .unwrap_or_default();
        format!(
            "you may not {} {}{place}",
            self.verbs.join(" and "),
            self.resource
        )
    }

    fn object(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map(|name| format!("/{name}"))
            .unwrap_or_default();
        let place = self
            .namespace
            .as_ref()
            .map(|namespace| format!(" in namespace {namespace}"))
            .unwrap_or_default();
        format!("{}{name}{place}", self.resource)
    }

    /// The RBAC rule that allows it (RBAC: `PolicyRule`).
    pub(crate) fn rule(&self) -> String {
        let verbs: Vec<String> = self.verbs.iter().map(|verb| format!("\"{verb}\"")).collect();
        format!(
            "- apiGroups: [\"{}\"]\n  resources: [\"{}\"]\n  verbs: [{}]",
            self.group,
            self.resource,
            verbs.join(", ")
        )
    }
}

// === impl EngineError ===

impl EngineError {
    /// Whether the same request may succeed a moment later: rights and namespaces of a new space take a moment.
    pub(crate) const fn may_come(&self) -> bool {
        matches!(
            self,
            Self::Forbidden { .. } | Self::NotFound { .. } | Self::NoPod { .. }
        )
    }
}

impl Report for EngineError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoConfig { .. } => "no_kubeconfig",
            Self::Config(_) | Self::UnknownContext { .. } | Self::NoContext { .. } => "kubeconfig",
            Self::Credentials { .. } | Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Denied { .. } => "denied",
            Self::Unreachable { .. } => "unreachable",
            Self::NotInstalled { .. } => "not_installed",
            Self::NotFound { .. } => "not_found",
            Self::Conflict { .. } => "conflict",
            Self::NoPod { .. } => "no_pod",
            Self::Request { .. } => "request",
            Self::Stream(_) => "stream",
            Self::NoCluster { .. } => "no_cluster",
            Self::NotRunning => "local_not_running",
            Self::NoState(_) => "local_state",
            Self::OtherProtocol { .. } => "local_protocol",
            Self::Daemon { .. } => "local_connection",
            Self::LocalRefused { .. } => "local_refused",
            Self::LocalFailed { .. } => "local_failed",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Request { .. } | Self::Stream(_) | Self::Daemon { .. } | Self::LocalFailed { .. } => {
                Exit::Failure
            }
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoConfig { local_runs: true, .. } => Some(Hint::with(
                "a local engine runs on this machine; use it with",
                "devspace use local",
            )),
            Self::NoConfig { .. } => Some(Hint::new(
                "name one with `--kubeconfig FILE` or $KUBECONFIG; whoever runs the cluster gives it to you",
            )),
            Self::UnknownContext { known, .. } | Self::NoContext { known } => Some(Hint::new(format!(
                "there is {}; choose with `--context NAME`",
                list(known)
            ))),
            Self::Credentials { .. } | Self::Unauthorized { .. } => {
                Some(Hint::with("log in again, then check with", "kubectl auth whoami"))
            }
            Self::Forbidden { attempt, .. } => Some(forbidden(attempt)),
            Self::Unreachable { .. } => Some(Hint::with(
                "is the cluster running, and is a VPN needed? check with",
                "kubectl get --raw /readyz",
            )),
            Self::NotInstalled { .. } => Some(Hint::with(
                "an admin installs it once per cluster",
                "helm install devspace charts/devspace -n devspace-system --create-namespace",
            )),
            Self::NoPod { service, .. } => Some(Hint::with(
                "look at the copy, or make it",
                format!("devspace status\ndevspace up   # in the folder of {service}"),
            )),
            Self::NoCluster { .. } => Some(Hint::with(
                "on this machine the workspace's `devspace.yaml` names the services; change it, then",
                "devspace local start",
            )),
            Self::NotRunning => Some(Hint::with("start it", "devspace local start")),
            Self::OtherProtocol { .. } => Some(Hint::with(
                "start it anew with this program",
                "devspace local stop\ndevspace local start",
            )),
            Self::Daemon { .. } | Self::LocalFailed { .. } => {
                Some(Hint::with("see how it stands", "devspace local status"))
            }
            _ => None,
        }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}

/// Names the missing rule, and who gives it.
fn forbidden(attempt: &Attempt) -> Hint {
    let place = attempt.namespace.as_ref().map_or_else(
        || "a ClusterRole".to_owned(),
        |namespace| format!("a Role in namespace {namespace}"),
    );
    let giver = match attempt.resource.as_str() {
        "baselines" | "spaces" => {
            "an admin binds the ClusterRole `devspace-developer` to you in the baseline's namespace"
        }
        "servicecopies" | "pods" | "pods/log" | "pods/exec" | "pods/portforward" | "events" => {
            "the space's owner has this right, and who is in its `sharedWith`"
        }
        _ => "an admin can give it",
    };
    Hint::with(
        format!("{giver}; the missing rule, in {place}, is"),
        attempt.rule(),
    )
}

#[cfg(test)]
mod tests;
