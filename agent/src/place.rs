//! Where things of a container are when there is none: folders for paths, other ports for ports. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Paths as in a container, and the folders that stand for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths(BTreeMap<String, PathBuf>);

/// Ports as the project's file numbers them, and those that play their part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    /// The first port of the program, as the file numbers it.
    pub first: Option<u16>,
    /// Declared to picked. A port that is not in it stands for itself, as all do in a cluster.
    pub picked: BTreeMap<u16, u16>,
}

// === impl Paths ===

impl From<BTreeMap<String, PathBuf>> for Paths {
    fn from(map: BTreeMap<String, PathBuf>) -> Self {
        let clean = |(path, folder): (String, PathBuf)| (path.trim_end_matches('/').to_owned(), folder);
        Self(
            map.into_iter()
                .map(clean)
                .filter(|(path, _)| !path.is_empty())
                .collect(),
        )
    }
}

impl Paths {
    /// Each path and its folder.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.0.iter()
    }

    /// The folder of `path`, if it is one of the paths or lies below one. The longest that fits counts.
    #[must_use]
    pub fn folder(&self, path: &str) -> Option<PathBuf> {
        let (folder, rest) = self.fit(path)?;
        Some(PathBuf::from(format!("{}{rest}", folder.display())))
    }

    /// `text` with each path of it rewritten: at its beginning, and after `=` and `:`.
    #[must_use]
    pub fn rewrite(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(['=', ':']) {
            match self.fit(piece) {
                Some((folder, rest)) => {
                    out.push_str(&folder.to_string_lossy());
                    out.push_str(rest);
                }
                None => out.push_str(piece),
            }
        }
        out
    }

    fn fit<'t>(&self, text: &'t str) -> Option<(&PathBuf, &'t str)> {
        // Whole elements only: `/srcs` is not below `/src`.
        let fits = |path: &str| {
            text.strip_prefix(path)
                .filter(|rest| rest.is_empty() || rest.starts_with(['/', '=', ':']))
        };
        self.0
            .iter()
            .filter_map(|(path, folder)| Some((path.len(), folder, fits(path)?)))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, folder, rest)| (folder, rest))
    }
}

// === impl Ports ===

impl Ports {
    /// The port that plays the part of `declared`.
    #[must_use]
    pub fn of(&self, declared: u16) -> u16 {
        self.picked.get(&declared).copied().unwrap_or(declared)
    }

    /// `text` with `${port}` and `${port:9229}` replaced. What is no port number stays as it stands.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${port") {
            out.push_str(before);
            match self.placeholder(after) {
                Some((port, tail)) => {
                    out.push_str(&port.to_string());
                    rest = tail;
                }
                None => {
                    out.push_str("${port");
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    /// The port that `}…` or `:9229}…` means, and what follows.
    fn placeholder<'t>(&self, after: &'t str) -> Option<(u16, &'t str)> {
        if let Some(tail) = after.strip_prefix('}') {
            return Some((self.of(self.first?), tail));
        }
        let (number, tail) = after.strip_prefix(':')?.split_once('}')?;
        Some((self.of(number.parse().ok()?), tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> Paths {
        BTreeMap::from([
            ("/src".to_owned(), PathBuf::from("/v/root/src")),
            ("/src/target".to_owned(), PathBuf::from("/v/cache")),
            ("/app/".to_owned(), PathBuf::from("/v/root/app")),
        ])
        .into()
    }

    #[test]
    fn paths_are_rewritten_by_whole_elements_and_the_longest_counts() {
        for (given, wanted) in [
            ("/src", "/v/root/src"),
            ("/src/a b", "/v/root/src/a b"),
            ("/src/target/debug/x", "/v/cache/debug/x"),
            ("/srcs", "/srcs"),
            ("src/x", "src/x"),
            ("x/src", "x/src"),
            ("--out=/app/x", "--out=/v/root/app/x"),
            ("-v=/src:/app:ro", "-v=/v/root/src:/v/root/app:ro"),
            ("http://host/src", "http://host/src"),
            ("", ""),
        ] {
            assert_eq!(paths().rewrite(given), wanted, "{given}");
        }
        assert_eq!(paths().folder("/src/x"), Some(PathBuf::from("/v/root/src/x")));
        assert_eq!(paths().folder("/opt/x"), None);
    }

    #[test]
    fn ports_are_filled_in() {
        let ports = Ports {
            first: Some(8080),
            picked: BTreeMap::from([(8080, 40_001), (9229, 40_002)]),
        };
        assert_eq!(ports.fill("a ${port} ${port:9229} ${port:5}"), "a 40001 40002 5");
        assert_eq!(
            ports.fill("${ports} ${port:x} ${port:1"),
            "${ports} ${port:x} ${port:1"
        );
        let cluster = Ports {
            first: Some(8080),
            picked: BTreeMap::new(),
        };
        assert_eq!(cluster.fill("${port}:${port:9229}"), "8080:9229");
        assert_eq!(Ports::default().fill("${port}"), "${port}");
    }
}
