//! What a route table is built from: the router's watches as plain values.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::key::CarrierPolicy;
use crate::{ServiceName, SpaceName};

/// The baseline as the router sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineView {
    /// Which carriers are read and written.
    pub carriers: CarrierPolicy,
    /// Whether keys in headers count at the gateway.
    pub outside_keys: bool,
    /// Public hosts, the first is the one for tunnels. Empty: the hosts of the rules.
    pub hosts: Vec<String>,
    /// The longest chain of spaces, the leaf counted.
    pub max_chain: NonZeroU8,
    /// Services with a record.
    pub services: Vec<ServiceView>,
    /// Services of the namespace without a record, for the gateway.
    pub plain: Vec<PlainService>,
    /// The gateway's rules, in the order in which they were read.
    pub rules: Vec<EntryRule>,
    /// Further listeners, each of which stands for a pod of a space.
    pub standing: Vec<Standing>,
}

/// A listener whose callers count as a pod of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The router's listener.
    pub listener: u16,
    /// The space.
    pub space: SpaceName,
    /// What is behind it.
    pub entry: StandingEntry,
}

/// What is behind a listener that stands for a pod of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandingEntry {
    /// A port of an intercepted service.
    Service {
        /// The service.
        service: ServiceName,
        /// The port's name.
        port: String,
    },
    /// People's entry.
    Gateway,
}

/// A Service whose traffic passes the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Its name.
    pub name: ServiceName,
    /// Its ports.
    pub ports: Vec<PortView>,
    /// Whether a caller's address chooses the endpoint (`sessionAffinity: ClientIP`).
    pub client_affinity: bool,
}

/// One port of an intercepted Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortView {
    /// Its name; empty where it has none. EndpointSlices use the same name.
    pub name: String,
    /// The number that callers use.
    pub port: u16,
    /// The router's listener that stands for it.
    pub listener: u16,
    /// What is spoken on it.
    pub protocol: Protocol,
}

/// What is spoken on a port, as far as its owner has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// HTTP/1.1, and HTTP/2 from callers that open with its preface.
    Http,
    /// HTTP/2 in the clear (`kubernetes.io/h2c`, gRPC).
    Http2,
    /// Bytes. The router waits for none before it connects.
    Opaque,
    /// Nothing is said: the first bytes decide.
    Detect,
}

/// A Service that is not intercepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainService {
    /// Its name.
    pub name: ServiceName,
    /// Its cluster address.
    pub address: IpAddr,
    /// Its ports by name and number.
    pub ports: Vec<(String, u16)>,
}

/// One path of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRule {
    /// The host, `*.example.test` for one label of any text, or `None` for every host.
    pub host: Option<String>,
    /// The path and how it matches. `None`: the default backend.
    pub path: Option<PathMatch>,
    /// Where it leads.
    pub backend: BackendRef,
}

/// How a path matches (Kubernetes documentation, "Ingress", section "Path types").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PathMatch {
    /// The whole path.
    Exact(String),
    /// The path's leading elements. `ImplementationSpecific` is taken as this.
    Prefix(String),
}

/// A service port that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendRef {
    /// The service.
    pub service: ServiceName,
    /// The port by number or name.
    pub port: PortRef,
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    /// Its number.
    Number(u16),
    /// Its name.
    Name(String),
}

/// One copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyView {
    /// The space.
    pub space: SpaceName,
    /// The namespace that the object stands in.
    pub namespace: String,
    /// The service that is copied.
    pub service: ServiceName,
    /// How long requests wait while the copy restarts.
    pub hold: Duration,
    /// Whether requests go on to the parent after that. Else they get 503.
    pub fallback_to_parent: bool,
    /// Whether the copy was ready once.
    pub ever_ready: bool,
}

/// All endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointView {
    /// Of the baseline's shadows, one entry per slice and port.
    pub baseline: Vec<SliceView>,
    /// Of copies, one entry per slice and port.
    pub copies: Vec<CopySlice>,
}

/// The endpoints of one port of one EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceView {
    /// The service that they serve.
    pub service: ServiceName,
    /// The port's name; empty where it has none.
    pub port: String,
    /// The endpoints.
    pub endpoints: Vec<EndpointState>,
}

/// A slice of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySlice {
    /// The space that its label names.
    pub space: SpaceName,
    /// The namespace that it stands in.
    pub namespace: String,
    /// What it holds.
    pub slice: SliceView,
}

/// One endpoint with its conditions (Kubernetes API, `discovery.k8s.io/v1` EndpointConditions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointState {
    /// Address and port of the pod.
    pub address: SocketAddr,
    /// Takes new connections.
    pub ready: bool,
    /// Answers, though it may be terminating.
    pub serving: bool,
    /// The pod is being deleted.
    pub terminating: bool,
}

// === impl Protocol ===

/// Ports whose servers speak first or that carry no HTTP, used where a port declares nothing.
const KNOWN_OPAQUE: [u16; 10] = [25, 465, 587, 993, 3306, 4222, 5432, 6379, 9092, 11211];

impl Protocol {
    /// What a Service's port declares: `appProtocol` first, then the name's first word (`grpc-api` is gRPC).
    /// A declared protocol that is not HTTP is opaque. Without any declaration the well-known ports of
    /// databases, queues and mail are opaque, and everything else is told by its first bytes.
    #[must_use]
    pub fn declared(app_protocol: Option<&str>, port_name: &str, port: u16) -> Self {
        if let Some(protocol) = app_protocol.filter(|p| !p.is_empty()) {
            let lower = protocol.to_ascii_lowercase();
            return Self::word(lower.strip_prefix("kubernetes.io/").unwrap_or(&lower))
                .unwrap_or(Self::Opaque);
        }
        let first = port_name.split('-').next().unwrap_or_default();
        Self::word(first).unwrap_or(if KNOWN_OPAQUE.contains(&port) {
            Self::Opaque
        } else {
            Self::Detect
        })
    }

    fn word(word: &str) -> Option<Self> {
        match word {
            "http" | "http1" | "ws" | "web" => Some(Self::Http),
            "h2c" | "http2" | "grpc" => Some(Self::Http2),
            "https" | "tls" | "tcp" | "wss" | "mongo" | "mysql" | "postgres" | "postgresql" | "redis"
            | "amqp" | "kafka" | "nats" | "smtp" => Some(Self::Opaque),
            _ => None,
        }
    }

    /// Whether its bytes are never read as HTTP.
    #[must_use]
    pub fn is_opaque(self) -> bool {
        self == Self::Opaque
    }
}
