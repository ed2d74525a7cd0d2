//! What may stand as `${…}` in the file, and what it is replaced by here. The agent replaces the rest.

use devspace_core::{ServiceName, SpaceName};

/// What stands for the space's name in `env`.
pub(crate) const SPACE: &str = "${space}";

/// Which variables are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Those of every engine.
    Everywhere,
    /// Those of `local.env` too.
    Local,
}

impl Known {
    /// The known ones, for people.
    pub(super) const fn described(self) -> &'static str {
        match self {
            Self::Everywhere => {
                "`${space}`, `${port}` and `${port:9229}` are known; `$${` stands for a plain `${`"
            }
            Self::Local => {
                "`${space}`, `${port}`, `${port:9229}`, `${data}`, `${package.url}`, `${package.host}` and `${package.port}` are known; `$${` stands for a plain `${`"
            }
        }
    }
}

/// The first `${…}` of `text` that is not known.
pub(super) fn unknown(text: &str, known: Known) -> Option<String> {
    names(text).find(|name| !is_known(name, known)).map(str::to_owned)
}

/// The services whose address `text` names, as `${package.url}`.
pub(super) fn peers(text: &str) -> impl Iterator<Item = &str> {
    names(text).filter_map(|name| peer(name))
}

/// What stands between `${` and `}`; `$${` stands for itself.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (before, after) = rest.split_once("${")?;
            if before.ends_with('$') {
                rest = after;
                continue;
            }
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            rest = after;
            return Some(name);
        }
    })
}

fn is_known(name: &str, known: Known) -> bool {
    let number = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    match name {
        "space" | "port" => true,
        _ if name.strip_prefix("port:").is_some_and(number) => true,
        "data" => known == Known::Local,
        _ => known == Known::Local && peer(name).is_some(),
    }
}

/// `package` of `package.url`.
fn peer(name: &str) -> Option<&str> {
    let (service, what) = name.rsplit_once('.')?;
    (ServiceName::try_new(service).is_ok() && matches!(what, "url" | "host" | "port")).then_some(service)
}

/// `text` in `space`; without one as a baseline's service sees it.
pub(super) fn filled(text: &str, space: Option<&SpaceName>) -> String {
    let name = space.map_or(BASELINE, SpaceName::as_str);
    let parts: Vec<String> = text.split("$${").map(|part| part.replace(SPACE, name)).collect();
    parts.join("${")
}

/// What `${space}` stands for where there is no space.
const BASELINE: &str = "baseline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_known_by_their_place() {
        let everywhere = |text| unknown(text, Known::Everywhere);
        assert_eq!(everywhere("a-${space}:${port} ${port:9229} $${x}"), None);
        assert_eq!(everywhere("${spaec}").as_deref(), Some("spaec"));
        assert_eq!(everywhere("${port:0}").as_deref(), Some("port:0"));
        assert_eq!(everywhere("${data}").as_deref(), Some("data"));
        assert_eq!(everywhere("${package.url}").as_deref(), Some("package.url"));
        assert_eq!(everywhere("x ${").as_deref(), Some(""));
        let local = |text| unknown(text, Known::Local);
        assert_eq!(local("${data}/x ${package.url} ${a-b.host}:${a-b.port}"), None);
        assert_eq!(local("${package.path}").as_deref(), Some("package.path"));
        assert_eq!(local("${A.url}").as_deref(), Some("A.url"));
    }

    #[test]
    fn peers_are_the_services_that_are_named() {
        let text = "${package.url} $${no.url} ${data} ${b.port}";
        assert_eq!(peers(text).collect::<Vec<_>>(), ["package", "b"]);
    }

    #[test]
    fn only_the_space_is_filled_here() {
        let red = SpaceName::try_new("red").unwrap();
        assert_eq!(filled("${space}-$${x} ${port}", Some(&red)), "red-${x} ${port}");
        assert_eq!(filled("jobs-${space}", None), "jobs-baseline");
    }
}
