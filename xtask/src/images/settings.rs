//! The machine's CA bundle and client settings for builds: mounted read-only while a step runs, so that they are in no
//! layer. Each place is an empty file of our bases; mounting over it leaves nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::base::{Base, Kind};
use super::dockerfile::Dockerfile;
use crate::places::write_file;

/// Where Debian keeps the bundle, in a base as on most machines.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Where Debian keeps the bundle for Java.
const JAVA_BUNDLE: &str = "/etc/ssl/certs/java/cacerts";

/// What is mounted during one build.
pub(crate) struct Settings {
    /// Files of this machine, and where a step sees them.
    pub(crate) mounts: Vec<(PathBuf, String)>,
    _made: tempfile::TempDir,
}

impl Settings {
    /// The settings for a build on these bases.
    ///
    /// A Dockerfile that installs `ca-certificates` writes the bundle itself, which a mount would prevent: it gets
    /// none.
    ///
    /// # Errors
    /// A temporary file cannot be made.
    pub(crate) fn for_build(
        dockerfile: &Dockerfile,
        bases: impl Iterator<Item = &'static Base>,
    ) -> Result<Self> {
        let made = tempfile::tempdir().context("cannot make a temporary folder")?;
        let kinds: Vec<Kind> = bases
            .map(|base| base.kind)
            .filter(|kind| *kind != Kind::Debian)
            .collect();
        let mut mounts = Vec::new();
        if !kinds.is_empty() && !dockerfile.text.contains("ca-certificates") {
            mounts.extend(existing(bundle(), BUNDLE));
        }
        for kind in kinds {
            mounts.extend(clients(kind, made.path())?);
        }
        mounts.dedup();
        Ok(Self { mounts, _made: made })
    }
}

fn bundle() -> PathBuf {
    env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(BUNDLE), PathBuf::from)
}

fn existing(source: PathBuf, target: &str) -> Option<(PathBuf, String)> {
    source.is_file().then(|| (source, target.to_owned()))
}

fn home(relative: &str) -> PathBuf {
    PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(relative)
}

/// The settings files of one toolchain's clients.
fn clients(kind: Kind, made: &Path) -> Result<Vec<(PathBuf, String)>> {
    let cargo_home = env::var_os("CARGO_HOME").map_or_else(|| home(".cargo"), PathBuf::from);
    Ok(match kind {
        Kind::Debian => Vec::new(),
        Kind::Rust => existing(cargo_home.join("config.toml"), "/usr/local/cargo/config.toml")
            .into_iter()
            .collect(),
        Kind::Node => {
            let file = made.join("npmrc");
            let sources = ["/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"].map(PathBuf::from);
            let texts = sources
                .into_iter()
                .chain([home(".npmrc")])
                .filter_map(|path| fs::read_to_string(path).ok());
            write_file(&file, npm_settings(texts))?;
            vec![(file, "/usr/local/etc/npmrc".to_owned())]
        }
        Kind::Go => existing(home(".config/go/env"), "/root/.config/go/env")
            .into_iter()
            .collect(),
        Kind::Java => {
            let settings = existing(home(".m2/settings.xml"), "/root/.m2/settings.xml");
            settings
                .into_iter()
                .chain(existing(JAVA_BUNDLE.into(), JAVA_BUNDLE))
                .collect()
        }
        Kind::Python => existing("/etc/pip.conf".into(), "/etc/pip.conf")
            .into_iter()
            .collect(),
    })
}

/// npm's settings about where packages come from, and the bundle; what else a person has set is theirs.
fn npm_settings(files: impl Iterator<Item = String>) -> String {
    let mut text = format!("cafile={BUNDLE}\n");
    for file in files {
        for line in file.lines() {
            let key = line.split('=').next().unwrap_or_default().trim();
            let about_origin = matches!(
                key,
                "registry" | "proxy" | "https-proxy" | "noproxy" | "strict-ssl"
            );
            if about_origin || key.starts_with("//") || key.ends_with(":registry") {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_about_the_origin_of_packages_go_in() {
        let files = [
            "registry=https://r.example.test/\nnodedir=/usr\n",
            "@team:registry = https://t.example.test\nfund=false",
        ];
        let text = npm_settings(files.into_iter().map(str::to_owned));
        let expected = "cafile=/etc/ssl/certs/ca-certificates.crt\nregistry=https://r.example.test/\n\
                        @team:registry = https://t.example.test\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_build_that_installs_the_bundle_gets_none_mounted() {
        let rust = super::super::base::named("rust:1-bookworm").unwrap();
        let file = |text: &str| Dockerfile {
            path: "Dockerfile".into(),
            text: text.to_owned(),
        };
        let has = |text: &str| {
            let settings = Settings::for_build(&file(text), [rust].into_iter()).unwrap();
            settings.mounts.iter().any(|(_, target)| target == BUNDLE)
        };
        assert!(!has("RUN apt-get install -y ca-certificates\n"));
        assert_eq!(has("RUN cargo build\n"), bundle().is_file());
    }
}
