//! What the tests and the client pod say to each other, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The protocol of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 in the clear with prior knowledge (RFC 9113, section 3.3).
    H2,
    /// A WebSocket (RFC 6455): the body is sent as one text message, and the first message that comes back is the answer.
    Ws,
}

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where to connect, as `10.96.0.7:80`.
    pub address: String,
    /// The value of `Host`; empty: the address.
    #[serde(default)]
    pub host: String,
    /// The protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// The method; empty: GET.
    #[serde(default)]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Further headers in order; a name may stand twice.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// How many seconds it may take; 0: five.
    #[serde(default)]
    pub limit_seconds: u64,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status; 101 for a WebSocket.
    pub status: u16,
    /// Header names in lower case, with their values joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body, or the message of a WebSocket.
    pub body: String,
}

/// What a response must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The status.
    pub status: u16,
    /// Texts that the body must hold.
    #[serde(default)]
    pub contains: Vec<String>,
    /// Texts that neither body nor headers may hold.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// What `devspace-served-by` must say.
    #[serde(default)]
    pub served_by: ServedBy,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            status: 200,
            contains: Vec::new(),
            lacks: Vec::new(),
            served_by: ServedBy::Any,
        }
    }
}

/// What the header `devspace-served-by` must say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServedBy {
    /// It does not matter.
    #[default]
    Any,
    /// The header is not there.
    Absent,
    /// The header is there and holds this text.
    Holds(String),
}

/// Where in a body the value stands that tells one program from the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The text before the value.
    pub after: String,
    /// Characters of which the first one found ends the value.
    pub until: String,
}

impl Mark {
    /// The value in `body`, empty where the text before it is not found.
    #[must_use]
    pub fn find<'a>(&self, body: &'a str) -> &'a str {
        let Some((_, rest)) = body.split_once(self.after.as_str()) else {
            return "";
        };
        rest.split(|c| self.until.contains(c)).next().unwrap_or_default()
    }
}

/// One stream of load: kept connections at a rate of requests, and connections of one request each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The name in the report.
    pub name: String,
    /// What is asked.
    pub request: Request,
    /// What every response must be.
    pub rule: Rule,
    /// Kept connections.
    pub kept: u16,
    /// Requests a second over the kept connections together.
    pub rate: f64,
    /// New connections a second, each with one request.
    pub fresh: f64,
    /// Where the value stands that is recorded for each request.
    #[serde(default)]
    pub mark: Option<Mark>,
}

/// Load: all targets at once, until it is stopped.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The streams.
    pub targets: Vec<Target>,
}

/// What load has seen so far, or in all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One entry a target, in the plan's order.
    pub targets: Vec<TargetReport>,
}

/// What one target has seen. Times are microseconds of the machine's monotonic clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// The target's name.
    pub name: String,
    /// When the load began.
    pub began_us: u64,
    /// When this report was made.
    pub until_us: u64,
    /// Requests a second asked for, over kept and new connections.
    pub asked_rate: f64,
    /// Requests that ended, well or not.
    pub done: u64,
    /// Those of them over new connections.
    pub fresh: u64,
    /// Requests that ended as the rule says.
    pub ok: u64,
    /// Kept connections that were closed between two requests and opened again.
    pub reopened: u64,
    /// Failures by kind.
    pub failures: BTreeMap<String, Failures>,
    /// Send time of every failed request, at most [`MAX_TIMES`] of them.
    pub failed_us: Vec<u64>,
    /// Slowest response, in microseconds.
    pub slowest_us: u64,
    /// Sum of the times of all responses, in microseconds.
    pub total_us: u64,
    /// The different values at the mark, in the order in which they were first seen.
    pub values: Vec<String>,
    /// For each request that brought a response: when it was sent, when it ended, index into `values`.
    pub seen: Vec<(u64, u64, u32)>,
}

/// The most times of failures that a report holds.
pub const MAX_TIMES: usize = 20_000;

/// Failures of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// The first few.
    pub first: Vec<Example>,
}

/// One failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// When the request was sent.
    pub sent_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What was wrong.
    pub detail: String,
}

impl TargetReport {
    /// Requests that did not end as the rule says.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.done - self.ok
    }

    /// Requests a second that were reached.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count of requests fits a double's 53 bits"
    )]
    pub fn achieved_rate(&self) -> f64 {
        let seconds = crate::clock::seconds(self.until_us.saturating_sub(self.began_us));
        if seconds > 0.0 {
            self.done as f64 / seconds
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_finds_its_value() {
        let mark = Mark {
            after: "\"totalWeight\":".into(),
            until: ",}".into(),
        };
        assert_eq!(mark.find(r#"{"totalWeight":400,"x":1}"#), "400");
        assert_eq!(mark.find(r#"{"totalWeight":7}"#), "7");
        assert_eq!(mark.find("nothing"), "");
    }

    #[test]
    fn the_rate_counts_what_ended() {
        let report = TargetReport {
            began_us: 1_000_000,
            until_us: 3_000_000,
            done: 400,
            ok: 399,
            ..Default::default()
        };
        assert!((report.achieved_rate() - 200.0).abs() < 1e-9);
        assert_eq!(report.failed(), 1);
    }
}
