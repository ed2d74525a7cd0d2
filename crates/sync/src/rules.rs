//! Which paths below a root are synced: git's rules, then `.devspaceignore`, then `only`.

use std::path::{Path, PathBuf};

use ignore::{IncrementalIgnore, WalkBuilder};

use crate::path::RelPath;

/// The project's own ignore file. Its lines win over git's, and may bring back what git leaves out.
pub const IGNORE_FILE: &str = ".devspaceignore";

/// The rules of one root. Cheap to make; made anew when an ignore file changes.
#[derive(Debug, Clone)]
pub struct Rules {
    root: PathBuf,
    only: Vec<String>,
    git: Git,
}

/// How far git's rules reach.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Git {
    /// The root lies in a working tree: nested files, the parents' files, `.git/info/exclude`, global excludes.
    Tree { top: PathBuf },
    /// There is no working tree: only `.gitignore` files below the root.
    None,
    /// Git ignores the root itself, so it holds built artefacts: git's rules say nothing here.
    Artefact,
}

// === impl Rules ===

impl Rules {
    /// Looks where git's working tree begins, and whether git ignores the root itself.
    #[must_use]
    pub fn new(root: &Path, only: &[String]) -> Self {
        let only = only
            .iter()
            .map(|path| path.trim_start_matches("./").trim_matches('/').to_owned())
            .collect();
        let git = match root.ancestors().find(|folder| folder.join(".git").exists()) {
            None => Git::None,
            Some(top) if ignores(top, root) => Git::Artefact,
            Some(top) => Git::Tree { top: top.to_owned() },
        };
        Self {
            root: root.to_owned(),
            only,
            git,
        }
    }

    /// The folder they speak of.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Git's working tree, if its rules hold here.
    #[must_use]
    pub fn git_top(&self) -> Option<&Path> {
        match &self.git {
            Git::Tree { top } => Some(top),
            Git::None | Git::Artefact => None,
        }
    }

    /// A walk from the root that yields what git's rules and `only` leave.
    /// With `within` it enters only the folders on the way to that path, and what lies below it.
    #[must_use]
    pub fn walk(&self, within: Option<&RelPath>) -> WalkBuilder {
        let mut builder = WalkBuilder::new(&self.root);
        builder
            .hidden(false)
            .ignore(false)
            .follow_links(false)
            .require_git(matches!(self.git, Git::Tree { .. }))
            // Above a folder without git lies nothing that may speak for it.
            .parents(matches!(self.git, Git::Tree { .. }))
            .git_ignore(self.git != Git::Artefact)
            .git_exclude(self.git != Git::Artefact)
            .git_global(self.git != Git::Artefact)
            .add_custom_ignore_filename(IGNORE_FILE)
            .current_dir(self.git_top().unwrap_or(&self.root));
        let rules = self.clone();
        let within = within.cloned();
        builder.filter_entry(move |entry| {
            if entry.file_name() == ".git" {
                return false;
            }
            // The root itself is no path below it; names that are not UTF-8 are reported by the scan.
            let Ok(path) = RelPath::below(&rules.root, entry.path()) else {
                return true;
            };
            let on_the_way = within
                .as_ref()
                .is_none_or(|within| path.within(within.as_str()) || within.within(path.as_str()));
            on_the_way && rules.selects(&path, entry.file_type().is_some_and(|kind| kind.is_dir()))
        });
        builder
    }

    /// A matcher for single paths. It does not see changes of ignore files made after its first use.
    #[must_use]
    pub fn matcher(&self) -> Matcher {
        Matcher {
            rules: self.clone(),
            ignore: self.walk(None).build_matchers().into_iter().next(),
        }
    }

    /// `only` lets the path in: it lies below one of its paths, or is a folder on the way to one.
    #[must_use]
    pub fn selects(&self, path: &RelPath, is_folder: bool) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| {
                path.within(only)
                    || (is_folder
                        && only
                            .strip_prefix(path.as_str())
                            .is_some_and(|rest| rest.starts_with('/')))
            })
    }

    /// A change of this path changes the rules.
    #[must_use]
    pub fn is_rule_file(path: &RelPath) -> bool {
        matches!(path.name(), ".gitignore" | IGNORE_FILE)
    }
}

/// Answers for single paths whether they are synced.
#[derive(Debug)]
pub struct Matcher {
    rules: Rules,
    ignore: Option<IncrementalIgnore>,
}

// === impl Matcher ===

impl Matcher {
    /// The path is synced.
    pub fn includes(&mut self, path: &RelPath, is_folder: bool) -> bool {
        if path.as_str().split('/').any(|name| name == ".git") || !self.rules.selects(path, is_folder) {
            return false;
        }
        self.ignore
            .as_mut()
            .is_none_or(|ignore| !ignore.matched(path.as_str(), is_folder).is_ignore())
    }
}

/// Git's rules as they stand at `top` leave out `folder` or a folder above it.
fn ignores(top: &Path, folder: &Path) -> bool {
    let Ok(path) = RelPath::below(top, folder) else {
        return false;
    };
    let mut builder = WalkBuilder::new(top);
    builder.hidden(false).ignore(false).current_dir(top);
    builder
        .build_matchers()
        .first_mut()
        .is_some_and(|matcher| matcher.matched(path.as_str(), true).is_ignore())
}

#[cfg(test)]
mod tests;
