//! Whether a build is due: which synced paths it depends on, and a digest over what they hold.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::diff::Place;
use crate::manifest::Manifest;
use crate::protocol::BuildConfig;

/// The paths that a build depends on.
#[derive(Debug, Clone)]
pub struct Inputs {
    globs: Option<GlobSet>,
}

// === impl Inputs ===

impl Inputs {
    /// Reads `when`; an empty list means every path.
    ///
    /// # Errors
    /// If a glob cannot be read; it names the glob.
    pub fn try_new(when: &[String]) -> Result<Self, globset::Error> {
        if when.is_empty() {
            return Ok(Self { globs: None });
        }
        let mut builder = GlobSetBuilder::new();
        for glob in when {
            builder.add(
                GlobBuilder::new(glob.trim_start_matches("./"))
                    .literal_separator(true)
                    .build()?,
            );
        }
        Ok(Self {
            globs: Some(builder.build()?),
        })
    }

    /// The path is one of them.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.is_match(path))
    }

    /// One of `places` is one of them.
    #[must_use]
    pub fn touched_by(&self, places: &[Place]) -> bool {
        places.iter().any(|place| self.contains(place.path.as_str()))
    }

    /// A digest over the command and what its inputs hold: equal digests need no second build.
    #[must_use]
    pub fn digest(&self, build: &BuildConfig, manifest: &Manifest) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut feed = |text: &str| {
            hasher
                .update(&(text.len() as u64).to_le_bytes())
                .update(text.as_bytes());
        };
        for argument in &build.command {
            feed(argument);
        }
        for (to, tree) in &manifest.roots {
            feed(to);
            for (path, entry) in tree.iter().filter(|(path, _)| self.contains(path.as_str())) {
                feed(path.as_str());
                feed(&format!("{entry:?}"));
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(when: &[&str]) -> Inputs {
        Inputs::try_new(&when.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_star_stays_in_its_folder() {
        let rust = inputs(&["**/*.rs", "**/Cargo.*"]);
        assert!(
            rust.contains("src/main.rs") && rust.contains("Cargo.toml") && rust.contains("a/b/Cargo.lock")
        );
        assert!(!rust.contains("README.md"));
        let lock = inputs(&["package-lock.json", "src/*"]);
        assert!(lock.contains("package-lock.json") && lock.contains("src/a"));
        assert!(!lock.contains("other/package-lock.json") && !lock.contains("src/a/b"));
        assert!(inputs(&[]).contains("anything/at/all"));
        assert!(Inputs::try_new(&["a[".to_owned()]).is_err());
    }
}
