//! Resolver settings, read from a `resolv.conf` (resolv.conf(5)).

/// Resolver settings of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolver {
    /// Addresses of the name servers.
    pub nameservers: Vec<String>,
    /// Search domains.
    pub searches: Vec<String>,
    /// Options with their values.
    pub options: Vec<(String, Option<String>)>,
}

// === impl Resolver ===

impl Resolver {
    /// Reads the text of a `resolv.conf`. Unknown lines are skipped; the last `search` line counts.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut resolver = Self::default();
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => resolver.nameservers.extend(words.next().map(ToOwned::to_owned)),
                Some("search") => resolver.searches = words.map(ToOwned::to_owned).collect(),
                Some("options") => resolver.options.extend(words.map(option)),
                _ => {}
            }
        }
        resolver
    }

    /// The settings of a pod in namespace `other`, where these are the settings of a pod in namespace `own`.
    /// The kubelet's first search domain is `<namespace>.svc.<cluster domain>`.
    #[must_use]
    pub fn for_namespace(mut self, own: &str, other: &str) -> Self {
        let prefix = format!("{own}.svc.");
        for search in &mut self.searches {
            if let Some(domain) = search.strip_prefix(&prefix) {
                *search = format!("{other}.svc.{domain}");
            }
        }
        self
    }
}

fn option(word: &str) -> (String, Option<String>) {
    match word.split_once(':') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_A_POD: &str = "# made by the kubelet\nsearch devspace-system.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5 edns0\n";

    #[test]
    fn a_pods_settings_become_those_of_the_baseline() {
        let resolver = Resolver::parse(OF_A_POD).for_namespace("devspace-system", "shop");
        assert_eq!(resolver.nameservers, ["10.96.0.10"]);
        assert_eq!(
            resolver.searches,
            [
                "shop.svc.cluster.local",
                "svc.cluster.local",
                "cluster.local",
                "corp.example"
            ]
        );
        assert_eq!(
            resolver.options,
            [
                ("ndots".to_owned(), Some("5".to_owned())),
                ("edns0".to_owned(), None)
            ]
        );
    }

    #[test]
    fn a_domain_that_only_begins_like_the_namespace_stays() {
        let resolver = Resolver::parse("search devspace-system2.svc.x devspace-system.example\n");
        let same = resolver.clone().for_namespace("devspace-system", "shop");
        assert_eq!(same, resolver);
    }
}
