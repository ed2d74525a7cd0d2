//! Ports that more than one program must agree on.

/// First listener port of the router; the block ends at [`LISTENER_LAST`].
/// A listener port stands for one port of one intercepted Service.
pub const LISTENER_FIRST: u16 = 20_000;
/// Last listener port of the router.
pub const LISTENER_LAST: u16 = 29_999;
/// How many listeners the router binds at start, and by how many it grows.
pub const LISTENER_STEP: u16 = 256;

/// The router's listener for people's entry (hosts, cookie, tunnel).
pub const GATEWAY: u16 = 18_080;
/// The router's admin port: health, readiness, metrics, routes.
pub const ROUTER_ADMIN: u16 = 18_081;

/// The agent's control listener. It is bound to 127.0.0.1 in the pod, so a port-forward is the only way in.
pub const AGENT_CONTROL: u16 = 18_090;
/// The agent's readiness listener. It answers `GET /ready` and nothing else.
pub const AGENT_READY: u16 = 18_091;

/// The controller's health and metrics port.
pub const CONTROLLER_ADMIN: u16 = 18_082;
