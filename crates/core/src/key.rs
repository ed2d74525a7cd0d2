//! The space key of a request: where it is read and where it is written.
//!
//! Reading goes through the carriers in one order: what the gateway's host or cookie names, then the header
//! [`HEADER`], the compatible headers, W3C `baggage`, W3C `tracestate`, and last the space of the calling pod.
//! The first carrier that names exactly one valid space decides. A carrier that is repeated with different
//! values, or whose text is no space name, counts as absent, so the next one decides.
//! Writing puts the decided key into every enabled carrier and takes any other key out of them.

mod baggage;
mod list;
mod tracestate;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::SpaceName;

/// The header of the space key.
pub const HEADER: HeaderName = HeaderName::from_static("devspace-route-as");
/// Headers of earlier tools that mean the same.
pub const COMPATIBLE: [HeaderName; 2] = [
    HeaderName::from_static("azds-route-as"),
    HeaderName::from_static("kubernetes-route-as"),
];
/// The header of W3C Baggage.
pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// The `tracestate` header of W3C Trace Context.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The `traceparent` header of W3C Trace Context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Name of our member in `baggage` and `tracestate`.
pub const MEMBER: &str = "devspace";
/// The longest `baggage` that we write or read, in bytes over all lines (W3C Baggage, "Limits").
pub const BAGGAGE_BYTES: usize = 8192;
/// The most members of `baggage` that we write or read (W3C Baggage, "Limits").
pub const BAGGAGE_MEMBERS: usize = 64;

/// Which carriers are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierPolicy {
    /// The header `devspace-route-as`.
    pub header: bool,
    /// The headers `azds-route-as` and `kubernetes-route-as`.
    pub compatible: bool,
    /// The member `devspace` of `baggage`.
    pub baggage: bool,
    /// The member `devspace` of `tracestate`.
    pub tracestate: bool,
    /// The space of the calling pod (read only).
    pub calling_pod: bool,
}

/// How a request came in, as far as its key is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// By a service's listener, or by the gateway from a caller whose headers count.
    Inside,
    /// By the gateway, with a host or cookie that names a space. It decides and overwrites.
    Named(&'a SpaceName),
    /// By the gateway from outside, where keys in headers do not count and are taken off.
    Outside,
}

/// Where a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The gateway's host or cookie.
    Entry,
    /// The header `devspace-route-as`.
    Header,
    /// A compatible header.
    Compatible,
    /// `baggage`.
    Baggage,
    /// `tracestate`.
    Tracestate,
    /// The calling pod.
    CallingPod,
}

/// The key of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyDecision {
    /// No carrier names a space.
    None,
    /// Carriers may name a space, but they do not count and must be taken off before forwarding.
    Dropped,
    /// The space, and the carrier that decided.
    Key(SpaceName, Source),
}

/// The key does not fit into `baggage` beside the members that are there. The other carriers were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`baggage` has no room for the space key: {bytes} bytes and {members} members")]
pub struct BaggageTooLarge {
    /// Bytes that the header would have had.
    pub bytes: usize,
    /// Members that the header would have had.
    pub members: usize,
}

/// Decides the key of a request from its headers, the way it came in, and the space of the calling pod.
#[must_use]
pub fn decide_key(
    policy: &CarrierPolicy,
    headers: &HeaderMap,
    arrival: Arrival<'_>,
    caller: Option<&SpaceName>,
) -> KeyDecision {
    match arrival {
        Arrival::Named(space) => return KeyDecision::Key(space.clone(), Source::Entry),
        Arrival::Outside => return KeyDecision::Dropped,
        Arrival::Inside => {}
    }
    if let Some((space, source)) = from_headers(policy, headers) {
        return KeyDecision::Key(space, source);
    }
    match caller {
        Some(space) if policy.calling_pod => KeyDecision::Key(space.clone(), Source::CallingPod),
        _ => KeyDecision::None,
    }
}

fn from_headers(policy: &CarrierPolicy, headers: &HeaderMap) -> Option<(SpaceName, Source)> {
    let header = || {
        policy
            .header
            .then(|| plain(headers, &HEADER))
            .flatten()
            .map(|s| (s, Source::Header))
    };
    let compatible = || {
        let found = || COMPATIBLE.iter().find_map(|name| plain(headers, name));
        policy
            .compatible
            .then(found)
            .flatten()
            .map(|s| (s, Source::Compatible))
    };
    let baggage = || {
        policy
            .baggage
            .then(|| baggage::read(headers))
            .flatten()
            .map(|s| (s, Source::Baggage))
    };
    let state = || {
        policy
            .tracestate
            .then(|| tracestate::read(headers))
            .flatten()
            .map(|s| (s, Source::Tracestate))
    };
    header().or_else(compatible).or_else(baggage).or_else(state)
}

/// Writes `key` into every enabled carrier, or takes every key out where `key` is `None`.
/// Other members of `baggage` and `tracestate` stay as they are.
///
/// # Errors
/// [`BaggageTooLarge`]: `baggage` would break its limits. It then holds no key of ours, and the request can be
/// forwarded: the other carriers are written.
pub fn write_key(
    policy: &CarrierPolicy,
    key: Option<&SpaceName>,
    headers: &mut HeaderMap,
) -> Result<(), BaggageTooLarge> {
    write_plain(headers, &HEADER, key.filter(|_| policy.header));
    for name in &COMPATIBLE {
        write_plain(headers, name, key.filter(|_| policy.compatible));
    }
    tracestate::write(headers, key.filter(|_| policy.tracestate));
    baggage::write(headers, key.filter(|_| policy.baggage))
}

/// The one space that all lines and list elements of `name` agree on.
fn plain(headers: &HeaderMap, name: &HeaderName) -> Option<SpaceName> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    agreed(
        lines
            .flat_map(|line| line.split(','))
            .map(|element| element.trim_matches([' ', '\t']).to_owned()),
    )
}

/// The one space that all of `texts` name.
fn agreed(mut texts: impl Iterator<Item = String>) -> Option<SpaceName> {
    let first = texts.next()?;
    if texts.any(|other| other != first) {
        return None;
    }
    SpaceName::try_new(&first).ok()
}

fn write_plain(headers: &mut HeaderMap, name: &HeaderName, key: Option<&SpaceName>) {
    match key.and_then(|key| HeaderValue::from_str(key.as_str()).ok()) {
        Some(value) => drop(headers.insert(name.clone(), value)),
        None => drop(headers.remove(name)),
    }
}

// === impl CarrierPolicy ===

impl Default for CarrierPolicy {
    /// Every carrier.
    fn default() -> Self {
        Self {
            header: true,
            compatible: true,
            baggage: true,
            tracestate: true,
            calling_pod: true,
        }
    }
}

// === impl KeyDecision ===

impl KeyDecision {
    /// The space, if one was decided.
    #[must_use]
    pub fn space(&self) -> Option<&SpaceName> {
        match self {
            Self::Key(space, _) => Some(space),
            Self::None | Self::Dropped => None,
        }
    }
}

#[cfg(test)]
mod tests;
