//! Which service of the baseline a folder is the source of.

use super::draft::Said;
use crate::nearest::nearest;

/// What the names and the baseline's services give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A service of the baseline has one of the names.
    Found(Said<String>),
    /// None has. The best name, and the services that are near to any of the names.
    Missing {
        /// The name that the folder should have.
        best: Said<String>,
        /// Services with similar names.
        nearest: Vec<String>,
    },
}

/// A name as a Service may have it (RFC 1123 label): lower case, digits and `-`. `None` if nothing is left.
pub(crate) fn label(name: &str) -> Option<String> {
    let mut label = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            label.push(c);
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    label.truncate(63);
    let label = label
        .trim_end_matches('-')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    let label = label.trim_start_matches('-');
    (!label.is_empty()).then(|| label.to_owned())
}

/// The names of a folder as labels, best first, each once: its own, the manifests', the Dockerfile's.
pub(crate) fn candidates(folder: &str, manifests: &[Said<String>], image: Option<&str>) -> Vec<Said<String>> {
    let all = std::iter::once(Said::new(folder.to_owned(), "the folder's name"))
        .chain(manifests.iter().cloned())
        .chain(image.map(|name| Said::new(name.to_owned(), "a label of the Dockerfile")));
    let mut found: Vec<Said<String>> = Vec::new();
    for name in all {
        if let Some(value) = label(&name.value)
            && !found.iter().any(|known| known.value == value)
        {
            found.push(Said { value, why: name.why });
        }
    }
    found
}

/// Chooses among the baseline's services. Without any name the folder is called `service`.
pub(crate) fn choose(candidates: &[Said<String>], services: &[String]) -> Choice {
    let found = candidates.iter().find(|name| services.contains(&name.value));
    if let Some(name) = found {
        return Choice::Found(name.clone());
    }
    let best = best(candidates);
    let known = || services.iter().map(String::as_str);
    let mut near: Vec<String> = Vec::new();
    for name in candidates.iter().flat_map(|name| nearest(&name.value, known())) {
        if !near.contains(&name) {
            near.push(name);
        }
    }
    Choice::Missing { best, nearest: near }
}

/// The name where no baseline can be asked.
pub(crate) fn best(candidates: &[Said<String>]) -> Said<String> {
    candidates
        .first()
        .cloned()
        .unwrap_or_else(|| Said::new("service".to_owned(), "no name was found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_become_labels() {
        assert_eq!(label("My Shop_API").as_deref(), Some("my-shop-api"));
        assert_eq!(label("@scope/x").as_deref(), Some("scope-x"));
        assert_eq!(label("--9lives-").as_deref(), Some("lives"));
        assert_eq!(label("___"), None);
        assert_eq!(label(&"x".repeat(80)).map(|label| label.len()), Some(63));
    }

    #[test]
    fn the_first_name_that_the_baseline_has_wins() {
        let names = candidates(
            "package-service",
            &[Said::new("package".to_owned(), "the package of Cargo.toml")],
            Some("Package"),
        );
        assert_eq!(names.len(), 2);
        assert_eq!(
            choose(&names, &services(&["delivery", "package"])),
            Choice::Found(Said::new("package".to_owned(), "the package of Cargo.toml"))
        );
    }

    #[test]
    fn near_services_are_offered() {
        let names = candidates("pakage", &[], None);
        let choice = choose(&names, &services(&["delivery", "package"]));
        assert_eq!(
            choice,
            Choice::Missing {
                best: Said::new("pakage".to_owned(), "the folder's name"),
                nearest: vec!["package".to_owned()],
            }
        );
    }
}
