//! What xtask reads of a Dockerfile: which images it starts from, and what its context is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::places::read_file;

/// The first line of a Dockerfile whose context is not its own folder.
const CONTEXT_LINE: &str = "# devspace-context:";

/// A Dockerfile's text and place.
pub(crate) struct Dockerfile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) text: String,
}

impl Dockerfile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            text: read_file(path)?,
        })
    }

    /// The context's folder: the file's own, or the one that its first line names, relative to its own.
    ///
    /// # Errors
    /// The folder does not exist.
    pub(crate) fn context(&self) -> Result<PathBuf> {
        let own = self.path.parent().unwrap_or(&self.path);
        let named = self
            .text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(CONTEXT_LINE));
        let folder = named.map_or_else(|| own.to_owned(), |relative| own.join(relative.trim()));
        fs::canonicalize(&folder).with_context(|| {
            format!(
                "the context of {} is {}, which does not exist",
                self.path.display(),
                folder.display()
            )
        })
    }

    /// The images it names and does not make itself: of `FROM`, `COPY --from` and `RUN --mount=…from=`.
    pub(crate) fn outside_images(&self) -> BTreeSet<String> {
        let mut stages = BTreeSet::from(["scratch".to_owned()]);
        let mut images = BTreeSet::new();
        for line in self.text.lines().map(str::trim) {
            let words: Vec<&str> = line
                .split_whitespace()
                .filter(|word| !word.starts_with("--"))
                .collect();
            let image = match (words.first(), words.get(1)) {
                (Some(verb), Some(image)) if verb.eq_ignore_ascii_case("from") => image,
                _ => continue,
            };
            if !stages.contains(*image) {
                images.insert((*image).to_owned());
            }
            if let (Some(word), Some(stage)) = (words.get(2), words.get(3))
                && word.eq_ignore_ascii_case("as")
            {
                stages.insert((*stage).to_owned());
            }
        }
        images.extend(
            self.copied_from()
                .filter(|from| !stages.contains(from) && from.parse::<u32>().is_err()),
        );
        images
    }

    fn copied_from(&self) -> impl Iterator<Item = String> {
        let words = self
            .text
            .lines()
            .filter(|line| line.trim_start().to_ascii_uppercase().starts_with("COPY"));
        words
            .flat_map(str::split_whitespace)
            .filter_map(|word| word.strip_prefix("--from="))
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dockerfile(text: &str) -> Dockerfile {
        Dockerfile {
            path: "/x/Dockerfile".into(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn stages_are_not_outside_images() {
        let file = dockerfile(
            "FROM --platform=linux/amd64 rust:1-bookworm AS build\nRUN true\nfrom build as again\nFROM scratch\n\
             COPY --from=build /a /a\nCOPY --from=0 /b /b\nCOPY --from=node:20 /c /c\n",
        );
        assert_eq!(
            file.outside_images(),
            BTreeSet::from(["node:20".to_owned(), "rust:1-bookworm".to_owned()])
        );
    }

    #[test]
    fn the_context_is_its_own_folder_unless_the_first_line_says_else() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let own = root.join("services/a");
        fs::create_dir_all(&own).unwrap();
        let at = |text: &str| Dockerfile {
            path: own.join("Dockerfile"),
            text: text.to_owned(),
        };
        assert_eq!(at("FROM scratch\n").context().unwrap(), own);
        assert_eq!(
            at("# devspace-context: ../..\nFROM scratch\n").context().unwrap(),
            root
        );
        assert_eq!(
            at("FROM scratch\n# devspace-context: ../..\n").context().unwrap(),
            own
        );
        assert!(at("# devspace-context: nowhere\n").context().is_err());
    }
}
