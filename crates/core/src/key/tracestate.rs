//! Our member of `tracestate` (W3C Recommendation "Trace Context", section 3.3).
//!
//! `tracestate` means nothing without a valid `traceparent` (section 3.3), so it is neither read nor written
//! without one. A changed member goes to the front; of more than 32 members the last ones are dropped
//! (sections 3.3.1.1 and 3.5).

use http::header::{HeaderMap, HeaderValue};

use super::{MEMBER, TRACEPARENT, TRACESTATE, agreed, list};
use crate::SpaceName;

/// The most members that a `tracestate` may have.
const MEMBERS: usize = 32;

/// The space that our member names.
pub(super) fn read(headers: &HeaderMap) -> Option<SpaceName> {
    if !has_traceparent(headers) {
        return None;
    }
    let members = list::members(headers, &TRACESTATE).take(MEMBERS);
    agreed(members.filter_map(list::our_value).map(ToOwned::to_owned))
}

/// Sets our member to `key`, or takes it out. Every other member stays, but for those over the limit.
pub(super) fn write(headers: &mut HeaderMap, key: Option<&SpaceName>) {
    let Some(key) = key.filter(|_| has_traceparent(headers)) else {
        list::remove_ours(headers, &TRACESTATE);
        return;
    };
    if list::holds_only(headers, &TRACESTATE, |value| value == key.as_str()) {
        return;
    }
    list::remove_ours(headers, &TRACESTATE);
    list::put_first(headers, &TRACESTATE, &format!("{MEMBER}={key}"));
    if list::members(headers, &TRACESTATE).count() > MEMBERS {
        let kept: Vec<&str> = list::members(headers, &TRACESTATE).take(MEMBERS).collect();
        let kept = kept.join(",");
        if let Ok(line) = HeaderValue::from_str(&kept) {
            headers.insert(TRACESTATE, line);
        }
    }
}

/// Whether there is exactly one `traceparent` of the form `version-traceid-parentid-flags` (section 3.2.2).
fn has_traceparent(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let Ok(text) = line.to_str() else { return false };
    let mut parts = text.splitn(5, '-');
    let mut hex = |length: usize| {
        parts
            .next()
            .filter(|part| part.len() == length && is_lower_hex(part))
    };
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let nothing_after = parts.next().is_none();
    version != "ff" && (version != "00" || nothing_after) && !all_zero(trace) && !all_zero(parent)
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn all_zero(text: &str) -> bool {
    text.bytes().all(|b| b == b'0')
}
