//! Our member of W3C Baggage (W3C Recommendation "Propagation format for distributed context: Baggage").

use http::header::HeaderMap;
use percent_encoding::percent_decode_str;

use super::{BAGGAGE, BAGGAGE_BYTES, BAGGAGE_MEMBERS, BaggageTooLarge, MEMBER, agreed, list};
use crate::SpaceName;

/// The space that our member names, within the limits of the specification.
pub(super) fn read(headers: &HeaderMap) -> Option<SpaceName> {
    let mut bytes = 0_usize;
    let members = list::members(headers, &BAGGAGE)
        .take_while(|member| {
            bytes += member.len() + 1;
            bytes <= BAGGAGE_BYTES + 1
        })
        .take(BAGGAGE_MEMBERS);
    agreed(members.filter_map(list::our_value).map(value_without_properties))
}

/// A member is `value *( OWS ";" OWS property )`, the value percent-coded (section "baggage-octet").
fn value_without_properties(value: &str) -> String {
    let value = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_matches([' ', '\t']);
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// Sets our member to `key`, or takes it out. Every other member stays.
pub(super) fn write(headers: &mut HeaderMap, key: Option<&SpaceName>) -> Result<(), BaggageTooLarge> {
    let Some(key) = key else {
        list::remove_ours(headers, &BAGGAGE);
        return Ok(());
    };
    if list::holds_only(headers, &BAGGAGE, |value| {
        value_without_properties(value) == key.as_str()
    }) {
        return Ok(());
    }
    list::remove_ours(headers, &BAGGAGE);
    let member = format!("{MEMBER}={key}");
    let (count, length) =
        list::members(headers, &BAGGAGE).fold((1, member.len()), |(n, b), m| (n + 1, b + m.len() + 1));
    if count > BAGGAGE_MEMBERS || length > BAGGAGE_BYTES {
        return Err(BaggageTooLarge {
            bytes: length,
            members: count,
        });
    }
    list::put_first(headers, &BAGGAGE, &member);
    Ok(())
}
