//! Comma-separated `name=value` lists that may stand on several header lines (RFC 9110, section 5.3).

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::MEMBER;

/// Optional whitespace (RFC 9110, section 5.6.3).
const OWS: [char; 2] = [' ', '\t'];

/// Every member of every line of `name`, trimmed, empty ones left out.
pub(super) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|member| member.trim_matches(OWS))
        .filter(|m| !m.is_empty())
}

/// The value of `member` where its name is ours, properties included.
pub(super) fn our_value(member: &str) -> Option<&str> {
    let (name, value) = member.split_once('=')?;
    (name.trim_matches(OWS) == MEMBER).then(|| value.trim_matches(OWS))
}

/// Whether there is exactly one member of ours and `is_right` says so of its value.
pub(super) fn holds_only(headers: &HeaderMap, name: &HeaderName, is_right: impl Fn(&str) -> bool) -> bool {
    let mut ours = members(headers, name).filter_map(our_value);
    ours.next().is_some_and(is_right) && ours.next().is_none()
}

/// Takes our members out of every line. Lines without one stay byte for byte as they are; emptied lines go.
pub(super) fn remove_ours(headers: &mut HeaderMap, name: &HeaderName) {
    if !members(headers, name).any(|member| our_value(member).is_some()) {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(name).iter().filter_map(without_ours).collect();
    headers.remove(name);
    for line in lines {
        headers.append(name.clone(), line);
    }
}

fn without_ours(line: &HeaderValue) -> Option<HeaderValue> {
    let Ok(text) = line.to_str() else {
        return Some(line.clone());
    };
    if !text.split(',').any(|member| our_value(member).is_some()) {
        return Some(line.clone());
    }
    let rest: Vec<&str> = text
        .split(',')
        .filter(|member| our_value(member).is_none())
        .collect();
    let rest = rest.join(",");
    let rest = rest.trim_matches(OWS);
    if rest.is_empty() {
        None
    } else {
        HeaderValue::from_str(rest).ok()
    }
}

/// Puts `member` at the front of the first line, or on a line of its own where there is none.
pub(super) fn put_first(headers: &mut HeaderMap, name: &HeaderName, member: &str) {
    let Ok(ours) = HeaderValue::from_str(member) else {
        return;
    };
    let mut lines = headers.get_all(name).iter().cloned();
    let Some(first) = lines.next() else {
        headers.insert(name.clone(), ours);
        return;
    };
    let rest: Vec<HeaderValue> = lines.collect();
    // A line that is not plain text cannot be read as a list, so ours must not become part of it.
    let joined = first
        .to_str()
        .ok()
        .and_then(|text| HeaderValue::from_str(&format!("{member},{text}")).ok());
    match joined {
        Some(joined) => drop(headers.insert(name.clone(), joined)),
        None => {
            headers.insert(name.clone(), ours);
            headers.append(name.clone(), first);
        }
    }
    for line in rest {
        headers.append(name.clone(), line);
    }
}
