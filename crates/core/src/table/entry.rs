//! The gateway's part of the table: public hosts and path rules.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::PathMatch;
use crate::ServiceName;

/// People's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Public hosts in lower case, the first is the one for tunnels.
    pub hosts: Vec<String>,
    /// Whether keys in headers count.
    pub outside_keys: bool,
    /// Rules by host, the most telling host first.
    pub rules: Vec<HostRules>,
    /// Who answers where no rule matches.
    pub default: Option<Backend>,
}

/// The rules of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRules {
    /// The host, `*.example.test`, or `None` for every host.
    pub host: Option<String>,
    /// Paths, the most telling first.
    pub paths: Vec<PathRule>,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathRule {
    /// The path and how it matches.
    pub path: PathMatch,
    /// Who answers.
    pub backend: Backend,
}

/// Who answers a request of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Backend {
    /// An intercepted service: as if the request had come to this listener.
    Listener(u16),
    /// A service that is not intercepted, by its cluster address.
    Plain {
        /// The service.
        service: ServiceName,
        /// Its cluster address and port.
        address: SocketAddr,
    },
}

// === impl Gateway ===

impl Gateway {
    /// The backend for `host` (lower case, no port) and `path` (no query), by the rules of Ingress: the most
    /// telling host that has rules decides, in it the longest path, an exact path before a prefix of equal length.
    #[must_use]
    pub fn backend(&self, host: &str, path: &str) -> Option<&Backend> {
        let rules = self
            .rules
            .iter()
            .find(|rules| host_matches(rules.host.as_deref(), host));
        let found = rules.and_then(|rules| rules.paths.iter().find(|rule| path_matches(&rule.path, path)));
        found.map(|rule| &rule.backend).or(self.default.as_ref())
    }

    /// Sorts hosts and paths so that the first match is the best.
    pub(super) fn sort(&mut self) {
        self.rules.sort_by_key(|rules| match rules.host.as_deref() {
            Some(host) if !host.starts_with("*.") => (0, 0),
            Some(host) => (1, usize::MAX - host.len()),
            None => (2, 0),
        });
        for rules in &mut self.rules {
            rules.paths.sort_by_key(|rule| match &rule.path {
                PathMatch::Exact(path) => (usize::MAX - path.len(), 0),
                PathMatch::Prefix(path) => (usize::MAX - path.trim_end_matches('/').len().max(1), 1),
            });
        }
    }
}

/// `*.example.test` covers one label (Kubernetes documentation, "Ingress", section "Hostname wildcards").
fn host_matches(rule: Option<&str>, host: &str) -> bool {
    match rule {
        None => true,
        Some(rule) => match rule.strip_prefix("*.") {
            None => rule == host,
            Some(parent) => host
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        },
    }
}

fn path_matches(rule: &PathMatch, path: &str) -> bool {
    match rule {
        PathMatch::Exact(exact) => exact == path,
        PathMatch::Prefix(prefix) => {
            let prefix = prefix.trim_end_matches('/');
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: PathMatch, listener: u16) -> PathRule {
        PathRule {
            path,
            backend: Backend::Listener(listener),
        }
    }

    fn gateway() -> Gateway {
        let prefix = |p: &str| PathMatch::Prefix(p.to_owned());
        let exact = |p: &str| PathMatch::Exact(p.to_owned());
        let mut gateway = Gateway {
            hosts: vec![],
            outside_keys: false,
            rules: vec![
                HostRules {
                    host: None,
                    paths: vec![rule(prefix("/"), 1)],
                },
                HostRules {
                    host: Some("*.test".into()),
                    paths: vec![rule(prefix("/"), 2)],
                },
                HostRules {
                    host: Some("shop.test".into()),
                    paths: vec![
                        rule(prefix("/"), 3),
                        rule(prefix("/api"), 4),
                        rule(exact("/api"), 5),
                        rule(prefix("/api/v1/"), 6),
                    ],
                },
                HostRules {
                    host: Some("only.test".into()),
                    paths: vec![rule(exact("/x"), 7)],
                },
            ],
            default: Some(Backend::Listener(9)),
        };
        gateway.sort();
        gateway
    }

    #[test]
    fn hosts_and_paths_match_by_the_rules_of_ingress() {
        let gateway = gateway();
        let to = |host: &str, path: &str| match gateway.backend(host, path) {
            Some(Backend::Listener(listener)) => *listener,
            other => panic!("{other:?}"),
        };
        assert_eq!(to("shop.test", "/"), 3);
        assert_eq!(to("shop.test", "/apix"), 3);
        assert_eq!(to("shop.test", "/api"), 5);
        assert_eq!(to("shop.test", "/api/"), 4);
        assert_eq!(to("shop.test", "/api/v2"), 4);
        assert_eq!(to("shop.test", "/api/v1"), 6);
        assert_eq!(to("shop.test", "/api/v1/x"), 6);
        assert_eq!(to("other.test", "/"), 2);
        assert_eq!(to("a.other.test", "/"), 1);
        assert_eq!(to("only.test", "/y"), 9);
    }
}
