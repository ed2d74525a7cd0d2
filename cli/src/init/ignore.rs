//! Folders that tools make must not be synced: a `node_modules` of another system breaks the copy's own.

use super::draft::Draft;
use super::files::Files;
use super::workspace::repository;

/// Ignore rules on top of git's.
pub(crate) const IGNORE_FILE: &str = ".devspaceignore";

/// Names that no ignore file of the folder leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unignored {
    /// The names.
    pub(crate) names: Vec<&'static str>,
    /// Whether the file is there already, so that it is not written.
    pub(crate) file_exists: bool,
}

/// What `.gitignore` and `.devspaceignore`, here and above up to the repository's root, do not leave out.
/// A workspace that is synced by name lists what is synced, so nothing else gets in.
pub(crate) fn unignored(files: &dyn Files, draft: &Draft) -> Unignored {
    let height = repository(files).unwrap_or(0);
    let lines: Vec<String> = (0..=height)
        .flat_map(|height| {
            let above = "../".repeat(height);
            [".gitignore", IGNORE_FILE].map(|name| format!("{above}{name}"))
        })
        .filter_map(|path| files.read(&path).ok().flatten())
        .flat_map(|text| text.lines().map(rule).collect::<Vec<_>>())
        .collect();
    let named = draft.sync.only.is_empty();
    Unignored {
        names: draft
            .made
            .iter()
            .copied()
            .filter(|name| named && !lines.iter().any(|line| line == name))
            .collect(),
        file_exists: files.has(IGNORE_FILE),
    }
}

/// The name that a line leaves out, as far as it is one: `/target/`, `**/target`, `target/*`.
fn rule(line: &str) -> String {
    line.trim()
        .trim_start_matches("**/")
        .trim_start_matches('/')
        .trim_end_matches('*')
        .trim_end_matches('/')
        .to_owned()
}

impl Unignored {
    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let mut text =
            "# What is not synced, on top of git's rules: the copy makes these itself.\n".to_owned();
        for name in &self.names {
            text.push_str(&format!("{name}/\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::files::memory::Memory;
    use crate::init::look;

    fn names(files: &[(&str, &str)]) -> Vec<&'static str> {
        let files = Memory::new("repo/app", files);
        let looked = look(&files, false).unwrap();
        unignored(&files, &looked.draft).names
    }

    #[test]
    fn rules_of_git_count_here_and_above() {
        let node = ("package.json", r#"{"main": "index.js"}"#);
        let main = ("index.js", "");
        assert_eq!(names(&[node, main]), ["node_modules"]);
        assert_eq!(names(&[node, main, (".gitignore", "/node_modules/\n")]), [""; 0]);
        assert_eq!(
            names(&[
                node,
                main,
                ("../.git/HEAD", ""),
                ("../.gitignore", "**/node_modules")
            ]),
            [""; 0]
        );
        assert_eq!(
            names(&[node, main, ("../.gitignore", "node_modules")]),
            ["node_modules"],
            "without a repository the folder above says nothing"
        );
    }
}
