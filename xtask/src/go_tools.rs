//! Programs in Go that a cluster is made of: built once from their modules and kept in the cache, named by what they
//! are built from, so that another version or another main file is another build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::places;
use crate::process::{self, command};
use crate::say;

/// One program and where it comes from.
pub(crate) struct Tool {
    /// The name of the binary, in a cluster's `bin` folder too.
    pub(crate) name: &'static str,
    /// Version of the module, for names of folders and for people.
    pub(crate) version: &'static str,
    source: Source,
}

enum Source {
    /// A main package of our own under `xtask/cluster`, with its `go.mod` and `go.sum`.
    Ours {
        folder: &'static str,
        linker_flags: &'static str,
    },
    /// A main package that `go install` can build at the tool's version.
    Published { package: &'static str },
}

/// Every Kubernetes program, etcd and kubectl. `go.mod` holds the same version.
pub(crate) const KUBE: Tool = Tool {
    name: "kube",
    version: "v1.34.4",
    source: Source::Ours {
        folder: "kube",
        linker_flags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4",
    },
};

/// The cluster's DNS server.
pub(crate) const COREDNS: Tool = Tool {
    name: "coredns",
    version: "v1.12.4",
    source: Source::Ours {
        folder: "coredns",
        linker_flags: "-s -w",
    },
};

/// What holds a pod's namespaces.
pub(crate) const PAUSE: Tool = Tool {
    name: "pause",
    version: "v1",
    source: Source::Ours {
        folder: "pause",
        linker_flags: "-s -w",
    },
};

/// All programs of a cluster.
pub(crate) const ALL: &[Tool] = &[
    KUBE,
    COREDNS,
    PAUSE,
    Tool {
        name: "helm3",
        version: "v3.19.0",
        source: Source::Published {
            package: "helm.sh/helm/v3/cmd/helm",
        },
    },
    Tool {
        name: "helm4",
        version: "v4.3.1",
        source: Source::Published {
            package: "helm.sh/helm/v4/cmd/helm",
        },
    },
];

impl Tool {
    /// Answers the path of the binary, building it first when the cache has none for these sources.
    ///
    /// # Errors
    /// Go is missing, a module cannot be downloaded, or the build fails.
    pub(crate) fn built(&self) -> Result<PathBuf> {
        let go_version = process::text(&mut command("go", ["env", "GOVERSION"])).context(
            "Go is needed to build the cluster's programs: install Go 1.26 or newer from https://go.dev/dl",
        )?;
        let cache = places::cache()?;
        let folder = cache.join("bin").join(format!(
            "{}-{}-{}",
            self.name,
            self.version,
            self.key(&go_version)?
        ));
        let binary = folder.join(self.name);
        if binary.exists() {
            return Ok(binary);
        }
        let _lock = places::lock(&cache.join("locks").join(self.name))?;
        if binary.exists() {
            return Ok(binary);
        }
        say::progress(format!(
            "building {} {} (once; kept in {})",
            self.name,
            self.version,
            cache.display()
        ));
        let started = Instant::now();
        self.build_into(&folder)?;
        say::progress(format!(
            "built {} in {:.0} s",
            self.name,
            started.elapsed().as_secs_f64()
        ));
        Ok(binary)
    }

    /// The part of the folder's name that stands for everything the build reads.
    fn key(&self, go_version: &str) -> Result<String> {
        let mut parts = vec![go_version.as_bytes().to_vec(), self.version.as_bytes().to_vec()];
        match self.source {
            Source::Ours { folder, linker_flags } => {
                parts.push(linker_flags.as_bytes().to_vec());
                let mut files: Vec<PathBuf> = fs::read_dir(source_folder(folder))
                    .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
                    .with_context(|| format!("cannot list {}", source_folder(folder).display()))?;
                files.retain(|file| {
                    file.extension()
                        .is_some_and(|kind| ["go", "mod", "sum"].iter().any(|k| kind == *k))
                });
                files.sort();
                for file in files {
                    parts.push(file.file_name().unwrap_or_default().as_encoded_bytes().to_vec());
                    parts.push(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
                }
            }
            Source::Published { package } => parts.push(package.as_bytes().to_vec()),
        }
        Ok(key_of(&parts))
    }

    fn build_into(&self, folder: &Path) -> Result<()> {
        let parent = folder.parent().context("a folder of the cache has a parent")?;
        places::make_folder(parent)?;
        let scratch = tempfile::tempdir_in(parent).context("cannot make a temporary folder in the cache")?;
        let mut build = self.command(scratch.path())?;
        build.env("CGO_ENABLED", "0").stderr(Stdio::piped());
        process::output(&mut build).with_context(|| format!("cannot build {}", self.name))?;
        let target = scratch.path().join(self.name);
        if let Source::Published { package } = self.source {
            let made = scratch.path().join(package.rsplit('/').next().unwrap_or(package));
            if made != target {
                fs::rename(&made, &target)
                    .with_context(|| format!("go install did not make {}", made.display()))?;
            }
        }
        if !target.exists() {
            bail!("the build of {} made no {}", self.name, target.display());
        }
        fs::rename(scratch.keep(), folder).with_context(|| format!("cannot make {}", folder.display()))
    }

    fn command(&self, out: &Path) -> Result<Command> {
        Ok(match self.source {
            Source::Ours { folder, linker_flags } => {
                let mut build = command("go", ["build", "-trimpath", "-ldflags", linker_flags, "-o"]);
                build
                    .arg(out.join(self.name))
                    .arg(".")
                    .current_dir(source_folder(folder));
                build
            }
            Source::Published { package } => {
                let mut install = command("go", ["install", "-trimpath", "-ldflags", "-s -w"]);
                install
                    .arg(format!("{package}@{}", self.version))
                    .env("GOBIN", out)
                    .current_dir(out);
                install
            }
        })
    }
}

fn source_folder(name: &str) -> PathBuf {
    places::repository().join("xtask/cluster").join(name)
}

/// A short name for a list of byte strings. Lengths go in too, so that moving a byte between parts changes the name.
pub(crate) fn key_of(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let part = part.as_ref();
        hasher.update(&part.len().to_le_bytes()).update(part);
    }
    hasher.finalize().to_hex().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_changes_with_content_and_with_its_division() {
        let whole = key_of(&["ab", "c"]);
        assert_eq!(whole, key_of(&["ab", "c"]));
        assert_ne!(whole, key_of(&["a", "bc"]));
        assert_ne!(whole, key_of(&["ab", "d"]));
        assert_eq!(whole.len(), 12);
    }

    #[test]
    fn another_go_is_another_build() {
        assert_ne!(KUBE.key("go1.26.8").unwrap(), KUBE.key("go1.27.0").unwrap());
        assert_ne!(KUBE.key("go1.26.8").unwrap(), COREDNS.key("go1.26.8").unwrap());
    }

    #[test]
    fn the_version_of_the_linker_flag_is_the_tools_version() {
        for tool in ALL {
            if let Source::Ours { folder, linker_flags } = tool.source {
                let modules = fs::read_to_string(source_folder(folder).join("go.mod")).unwrap();
                if folder != "pause" {
                    assert!(
                        modules.contains(&format!(" {}\n", tool.version)),
                        "{folder}/go.mod lacks {}",
                        tool.version
                    );
                }
                assert!(!linker_flags.contains("gitVersion") || linker_flags.ends_with(tool.version));
            }
        }
    }
}
