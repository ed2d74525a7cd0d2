//! Hosts of people's entry: which space and which public host a `Host` names, and the addresses that people see.
//!
//! Three forms name a space: `red.s.shop.example.test`, the flat `red--shop.example.test` (for wildcard
//! certificates of one label) and `red.localhost` (a tunnel). `localhost` and IP literals are the tunnel of
//! the calling pod.

use std::net::IpAddr;

use crate::SpaceName;

/// The label between a space and a host: `red.s.shop.example.test`.
const SPACE_LABEL: &str = ".s.";
/// Between a space and a host in the flat form: `red--shop.example.test`.
const FLAT: &str = "--";
/// The cookie that names a space, and the form value of [`ENTER_PATH`].
pub const COOKIE: &str = "devspace-space";
/// The path that sets or takes off the cookie: `/.devspace/enter?space=red`.
pub const ENTER_PATH: &str = "/.devspace/enter";

/// What a `Host` (or `:authority`) stands for at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryHost {
    /// A space's form of the public host of this index.
    Space {
        /// The space.
        space: SpaceName,
        /// Index into the public hosts.
        public: usize,
    },
    /// A space's form of a public host whose first label is no space name.
    BadSpace(String),
    /// `red.localhost`: a tunnel that names its space.
    NamedTunnel(SpaceName),
    /// `localhost` or an IP literal: the tunnel of the calling pod.
    Tunnel,
    /// Any other host, in lower case and without a port. The public hosts themselves are here.
    Plain(String),
}

/// The host part of an authority, in lower case: no port, no brackets, no trailing dot (RFC 3986, section 3.2.2).
#[must_use]
pub fn without_port(authority: &str) -> String {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The port part of an authority, with its colon: `:8080`, or nothing.
#[must_use]
pub fn port_suffix(authority: &str) -> &str {
    let after_literal = authority.rfind(']').map_or(0, |at| at + 1);
    let tail = authority.get(after_literal..).unwrap_or_default();
    tail.rfind(':').and_then(|at| tail.get(at..)).unwrap_or_default()
}

/// Says what `authority` stands for where the baseline has the public hosts `public` (lower case, no ports).
#[must_use]
pub fn classify(authority: &str, public: &[String]) -> EntryHost {
    let host = without_port(authority);
    if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        return EntryHost::Tunnel;
    }
    if let Some(label) = host.strip_suffix(".localhost") {
        return SpaceName::try_new(label).map_or(EntryHost::BadSpace(host.clone()), EntryHost::NamedTunnel);
    }
    if public.contains(&host) {
        return EntryHost::Plain(host);
    }
    let candidates = public.iter().enumerate().filter_map(|(index, known)| {
        let front = host.strip_suffix(known.as_str())?;
        let label = front
            .strip_suffix(SPACE_LABEL)
            .or_else(|| front.strip_suffix(FLAT))?;
        Some((index, known.len(), label))
    });
    // Where one public host ends in another, the longer one is meant.
    match candidates.max_by_key(|(_, length, _)| *length) {
        Some((public, _, label)) => SpaceName::try_new(label).map_or_else(
            |_| EntryHost::BadSpace(host.clone()),
            |space| EntryHost::Space { space, public },
        ),
        None => EntryHost::Plain(host),
    }
}

/// The host of a space: `red.s.shop.example.test`.
#[must_use]
pub fn space_host(space: &SpaceName, public: &str) -> String {
    format!("{space}{SPACE_LABEL}{public}")
}

/// The flat host of a space: `red--shop.example.test`.
#[must_use]
pub fn flat_host(space: &SpaceName, public: &str) -> String {
    format!("{space}{FLAT}{public}")
}

/// The address of a space that people see first: `http://red.s.shop.example.test/`. `public` may carry a port.
#[must_use]
pub fn space_url(scheme: &str, space: &SpaceName, public: &str) -> String {
    format!("{scheme}://{}/", space_host(space, public))
}

/// The address of a space in the flat form: `https://red--shop.example.test/`.
#[must_use]
pub fn flat_url(scheme: &str, space: &SpaceName, public: &str) -> String {
    format!("{scheme}://{}/", flat_host(space, public))
}

/// The address that sets the cookie of a space: `http://shop.example.test/.devspace/enter?space=red`.
#[must_use]
pub fn enter_url(scheme: &str, space: &SpaceName, public: &str) -> String {
    format!("{scheme}://{public}{ENTER_PATH}?space={space}")
}

/// The address of a tunnel that browsers and curl resolve by themselves: `http://red.localhost:41873`.
#[must_use]
pub fn tunnel_url(space: &SpaceName, port: u16) -> String {
    format!("http://{space}.localhost:{port}")
}

/// The address of a tunnel for every other client: `http://127.0.0.1:41874`.
#[must_use]
pub fn tunnel_address(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public() -> Vec<String> {
        vec!["shop.example.test".to_owned(), "api.shop.example.test".to_owned()]
    }

    fn space(text: &str) -> SpaceName {
        SpaceName::try_new(text).unwrap()
    }

    #[test]
    fn three_forms_name_a_space() {
        let red = |public| EntryHost::Space {
            space: space("red"),
            public,
        };
        assert_eq!(classify("red.s.shop.example.test", &public()), red(0));
        assert_eq!(classify("RED--shop.example.test:8080", &public()), red(0));
        assert_eq!(classify("red.s.api.shop.example.test.", &public()), red(1));
        assert_eq!(
            classify("red.localhost:41873", &public()),
            EntryHost::NamedTunnel(space("red"))
        );
    }

    #[test]
    fn tunnels_and_plain_hosts_name_none() {
        for host in [
            "localhost",
            "localhost:80",
            "127.0.0.1:41874",
            "[::1]:80",
            "[::1]",
        ] {
            assert_eq!(classify(host, &public()), EntryHost::Tunnel, "{host}");
        }
        for host in [
            "shop.example.test",
            "api.shop.example.test",
            "other.test",
            "s.shop.example.test",
        ] {
            assert_eq!(classify(host, &public()), EntryHost::Plain(host.to_owned()));
        }
    }

    #[test]
    fn a_bad_space_is_not_a_plain_host() {
        for host in [
            "a.b.s.shop.example.test",
            "a--b--shop.example.test",
            "a.b.localhost",
            "-.s.shop.example.test",
        ] {
            assert_eq!(classify(host, &public()), EntryHost::BadSpace(host.to_owned()));
        }
    }

    #[test]
    fn ports_are_told_from_addresses() {
        assert_eq!(port_suffix("shop.test:80"), ":80");
        assert_eq!(port_suffix("[::1]:80"), ":80");
        assert_eq!(port_suffix("[::1]"), "");
        assert_eq!(port_suffix("shop.test"), "");
    }

    proptest! {
        #[test]
        fn what_we_print_is_what_we_read(name in "[a-z]([a-z0-9]{0,10}|[a-z0-9]-[a-z0-9])", index in 0_usize..2) {
            let (name, hosts) = (space(&name), public());
            let wanted = EntryHost::Space { space: name.clone(), public: index };
            prop_assert_eq!(classify(&space_host(&name, &hosts[index]), &hosts), wanted.clone());
            prop_assert_eq!(classify(&flat_host(&name, &hosts[index]), &hosts), wanted);
        }

        #[test]
        fn no_text_makes_it_fail(text in ".{0,80}") {
            let _ = classify(&text, &public());
            let _ = port_suffix(&text);
        }
    }
}
