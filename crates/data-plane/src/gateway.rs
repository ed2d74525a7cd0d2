//! People's entry: which space a host or cookie names, which service a path leads to, and mapping the answer back.

mod cookie;
mod seen;

use devspace_core::SpaceName;
use devspace_core::host::{self, EntryHost};
use devspace_core::key::{Arrival, decide_key};
use devspace_core::table::RouteTable;
use http::Response;
use http::header::HeaderMap;
use http::request::Parts;
use http::uri::Authority;

pub(crate) use seen::Seen;

use crate::answer::Failure;
use crate::body::ResponseBody;
use crate::conn::Connection;
use crate::proxy::Plan;

/// What becomes of a request.
pub(crate) enum Entered {
    /// It is forwarded.
    Forward(Plan),
    /// It is answered here.
    Answer(Response<ResponseBody>),
}

/// The space that the entry names, and the public host that it stands for.
struct Named {
    space: Option<SpaceName>,
    /// The public host in whose place the request came. `None`: the request's own host is one, or none is known.
    stands_for: Option<String>,
}

/// Decides what becomes of a request that came to the gateway.
pub(crate) fn enter(
    table: &RouteTable,
    connection: &Connection,
    parts: &Parts,
    authority: Option<Authority>,
) -> Result<Entered, Failure> {
    let typed = authority.as_ref().map_or("", Authority::as_str).to_owned();
    let named = named(table, &typed, &parts.headers)?;
    if parts.uri.path() == host::ENTER_PATH {
        return cookie::enter(table, parts).map(Entered::Answer);
    }
    let own = host::without_port(&typed);
    let rule_host = named.stands_for.as_deref().unwrap_or(&own);
    let backend = table.gateway.backend(rule_host, parts.uri.path());
    let to = backend
        .cloned()
        .ok_or_else(|| Failure::NoRule(rule_host.to_owned()))?;
    let arrival = match &named.space {
        Some(space) => Arrival::Named(space),
        // A pod of a space is not outside: the tunnel comes that way.
        None if connection.caller.is_some() || table.gateway.outside_keys => Arrival::Inside,
        None => Arrival::Outside,
    };
    let key = decide_key(
        &table.carriers,
        &parts.headers,
        arrival,
        connection.caller.as_ref(),
    );
    let stands_for = named
        .stands_for
        .as_deref()
        .and_then(|host| host.parse::<Authority>().ok());
    let authority = stands_for.or(authority);
    let seen = Seen::new(typed, named.stands_for, &parts.headers);
    Ok(Entered::Forward(Plan {
        to,
        key,
        authority,
        seen: Some(seen),
    }))
}

fn named(table: &RouteTable, typed: &str, headers: &HeaderMap) -> Result<Named, Failure> {
    let hosts = &table.gateway.hosts;
    let known = |space: SpaceName| {
        if table.spaces.contains(space.as_str()) {
            Ok(space)
        } else {
            Err(Failure::UnknownSpace(space.into()))
        }
    };
    let first = || hosts.first().cloned();
    match host::classify(typed, hosts) {
        EntryHost::Space { space, public } => Ok(Named {
            space: Some(known(space)?),
            stands_for: hosts.get(public).cloned(),
        }),
        EntryHost::NamedTunnel(space) => Ok(Named {
            space: Some(known(space)?),
            stands_for: first(),
        }),
        EntryHost::BadSpace(text) => Err(Failure::UnknownSpace(text)),
        EntryHost::Tunnel => Ok(Named {
            space: None,
            stands_for: first(),
        }),
        EntryHost::Plain(_) => {
            let space = cookie::space(headers).map(|text| {
                SpaceName::try_new(&text)
                    .map_err(|_| Failure::UnknownSpace(text))
                    .and_then(known)
            });
            Ok(Named {
                space: space.transpose()?,
                stands_for: None,
            })
        }
    }
}

/// The scheme by which the caller came, as a proxy in front says.
fn scheme(headers: &HeaderMap) -> &str {
    let forwarded = headers
        .get("x-forwarded-proto")
        .and_then(|value| value.to_str().ok());
    if forwarded == Some("https") {
        "https"
    } else {
        "http"
    }
}
