//! What the two ends say to each other.

/// Names the session in every request but `hello`.
pub const SESSION_HEADER: &str = "devspace-session";
/// The authority of a tunnel's CONNECT request. The agent knows the gateway's address; the client does not.
pub const TUNNEL_AUTHORITY: &str = "gateway:80";
