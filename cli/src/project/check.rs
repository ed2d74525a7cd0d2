//! From the file as written to a [`Project`]: defaults, types, and every rule that needs no cluster.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use devspace_core::ServiceName;
use serde_saphyr::Spanned;

use super::error::ProjectError;
use super::place::Place;
use super::raw::{RawBuild, RawProject, RawSync};
use super::variables::{self, Known};
use super::{BuildRule, Project, SyncRule};

/// Checks `raw`, read from `file`.
///
/// # Errors
/// The first rule that is broken, with its place.
pub(super) fn check(file: &Path, raw: RawProject) -> Result<Project, ProjectError> {
    let cx = Context {
        file,
        folder: file.parent().unwrap_or(Path::new(".")),
    };
    cx.version(raw.devspace.as_ref())?;
    let service = cx.service(&raw)?;
    let build = raw.build.as_ref().map(|build| cx.build(build)).transpose()?;
    let here = build.as_ref().is_some_and(|build| build.here);
    let sync = raw
        .sync
        .unwrap_or_default()
        .iter()
        .map(|rule| cx.sync(rule, here))
        .collect::<Result<Vec<_>, _>>()?;
    cx.not_nested(&sync)?;
    if sync.is_empty() && raw.image.is_none() {
        return Err(ProjectError::Nothing { place: cx.whole() });
    }
    let resources = raw.resources.unwrap_or_default();
    Ok(Project {
        file: file.to_owned(),
        folder: cx.folder.to_owned(),
        service,
        container: raw.container,
        image: raw.image,
        cpu: resources.cpu,
        memory: resources.memory,
        cache: raw
            .cache
            .unwrap_or_default()
            .iter()
            .map(|path| cx.absolute("cache", path))
            .collect::<Result<_, _>>()?,
        sync,
        build,
        run: raw
            .run
            .map(|run| cx.command("run", &run))
            .transpose()?
            .unwrap_or_default(),
        restart: raw.restart.map(|globs| cx.globs("restart", &globs)).transpose()?,
        env: cx.env(raw.env.unwrap_or_default(), Known::Everywhere)?,
        local_env: cx.env(
            raw.local.and_then(|local| local.env).unwrap_or_default(),
            Known::Local,
        )?,
        ports: raw
            .ports
            .unwrap_or_default()
            .iter()
            .map(|port| cx.port(port))
            .collect::<Result<_, _>>()?,
        debug: raw.debug.map(|port| cx.port(&port)).transpose()?,
        hold: raw.hold.map(|text| cx.duration(&text)).transpose()?,
    })
}

/// A duration as `90s`, `10m` or `1h30m`; not negative.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}

/// Where the values that are checked stand.
pub(super) struct Context<'a> {
    pub(super) file: &'a Path,
    pub(super) folder: &'a Path,
}

impl Context<'_> {
    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        Place::new(self.file, Some(value.referenced))
    }

    pub(super) fn whole(&self) -> Place {
        Place::new(self.file, None)
    }

    pub(super) fn missing(&self, key: &'static str) -> ProjectError {
        ProjectError::MissingKey {
            place: self.whole(),
            key,
        }
    }

    pub(super) fn version(&self, version: Option<&Spanned<u32>>) -> Result<(), ProjectError> {
        match version {
            None => Err(self.missing("devspace")),
            Some(version) if version.value == 1 => Ok(()),
            Some(version) => Err(ProjectError::Version {
                place: self.place(version),
                found: version.value,
            }),
        }
    }

    /// The service's name. A workspace has none, unless its folder is a service, too.
    fn service(&self, raw: &RawProject) -> Result<ServiceName, ProjectError> {
        if let (Some(workspace), None) = (&raw.workspace, &raw.service) {
            let services = workspace.value.services.iter();
            return Err(ProjectError::IsWorkspace {
                file: self.file.to_owned(),
                services: services
                    .flat_map(|services| &services.value)
                    .map(|service| service.value.clone())
                    .collect(),
            });
        }
        let service = raw.service.as_ref().ok_or_else(|| self.missing("service"))?;
        ServiceName::try_new(&service.value).map_err(|source| ProjectError::Service {
            place: self.place(service),
            source,
        })
    }

    fn build(&self, build: &Spanned<RawBuild>) -> Result<BuildRule, ProjectError> {
        let (command, here) = match (&build.value.run, &build.value.here) {
            (Some(run), None) => (run, false),
            (None, Some(here)) => (here, true),
            _ => {
                return Err(ProjectError::BuildChoice {
                    place: self.place(build),
                });
            }
        };
        if command.is_empty() {
            let key = if here { "build.here" } else { "build.run" };
            return Err(ProjectError::EmptyCommand {
                place: self.place(build),
                key,
            });
        }
        let when = build
            .value
            .when
            .iter()
            .flatten()
            .map(|glob| self.glob("build.when", glob))
            .collect::<Result<_, _>>()?;
        Ok(BuildRule {
            command: command.clone(),
            here,
            when,
        })
    }

    /// `made_here`: the folder may be made by a build on this machine, so it need not exist yet.
    fn sync(&self, rule: &RawSync, made_here: bool) -> Result<SyncRule, ProjectError> {
        let to = rule.to.as_ref().ok_or_else(|| self.missing("sync.to"))?;
        let given = rule.from.as_ref().map_or(".", |from| from.value.as_str());
        let path = tidy(&self.folder.join(given));
        if !path.is_dir() && !made_here {
            let place = rule
                .from
                .as_ref()
                .map_or_else(|| self.whole(), |from| self.place(from));
            return Err(ProjectError::NoFolder {
                place,
                given: given.to_owned(),
                path,
            });
        }
        Ok(SyncRule {
            from: path,
            to: self.absolute("sync.to", to)?,
            only: rule
                .only
                .iter()
                .flatten()
                .map(|glob| self.glob("sync.only", glob))
                .collect::<Result<_, _>>()?,
            back: rule
                .back
                .iter()
                .flatten()
                .map(|glob| self.glob("sync.back", glob))
                .collect::<Result<_, _>>()?,
        })
    }

    fn not_nested(&self, sync: &[SyncRule]) -> Result<(), ProjectError> {
        for (index, inner) in sync.iter().enumerate() {
            for (other, outer) in sync.iter().enumerate() {
                if index != other && Path::new(&inner.to).starts_with(&outer.to) {
                    let (inner, outer) = (inner.to.clone(), outer.to.clone());
                    return Err(ProjectError::Nested {
                        place: self.whole(),
                        inner,
                        outer,
                    });
                }
            }
        }
        Ok(())
    }

    fn absolute(&self, key: &'static str, path: &Spanned<String>) -> Result<String, ProjectError> {
        if path.value.starts_with('/') && !path.value.split('/').any(|part| part == "..") {
            let trimmed = path.value.trim_end_matches('/');
            // The root itself is no sync target and no cache.
            if !trimmed.is_empty() {
                return Ok(trimmed.to_owned());
            }
        }
        Err(ProjectError::Relative {
            place: self.place(path),
            key,
            path: path.value.clone(),
        })
    }

    fn glob(&self, key: &'static str, glob: &Spanned<String>) -> Result<String, ProjectError> {
        let text = glob.value.trim_start_matches("./");
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(ProjectError::Leaves {
                place: self.place(glob),
                key,
                path: glob.value.clone(),
            });
        }
        globset::Glob::new(text).map_err(|source| ProjectError::Glob {
            place: self.place(glob),
            glob: glob.value.clone(),
            source,
        })?;
        Ok(text.to_owned())
    }

    fn globs(&self, key: &'static str, globs: &[Spanned<String>]) -> Result<Vec<String>, ProjectError> {
        globs.iter().map(|glob| self.glob(key, glob)).collect()
    }

    fn command(
        &self,
        key: &'static str,
        command: &Spanned<Vec<String>>,
    ) -> Result<Vec<String>, ProjectError> {
        if command.value.is_empty() {
            return Err(ProjectError::EmptyCommand {
                place: self.place(command),
                key,
            });
        }
        Ok(command.value.clone())
    }

    pub(super) fn port(&self, port: &Spanned<u16>) -> Result<u16, ProjectError> {
        if port.value == 0 {
            Err(ProjectError::Port {
                place: self.place(port),
            })
        } else {
            Ok(port.value)
        }
    }

    fn duration(&self, text: &Spanned<String>) -> Result<Duration, ProjectError> {
        parse_duration(&text.value).ok_or_else(|| ProjectError::Duration {
            place: self.place(text),
            text: text.value.clone(),
        })
    }

    /// Every `${…}` must be one that is replaced, so that a misspelt one does not reach the program as text.
    fn env(
        &self,
        env: BTreeMap<String, Spanned<String>>,
        known: Known,
    ) -> Result<BTreeMap<String, String>, ProjectError> {
        for value in env.values() {
            if let Some(name) = variables::unknown(&value.value, known) {
                return Err(ProjectError::Variable {
                    place: self.place(value),
                    name,
                    known,
                });
            }
        }
        Ok(env.into_iter().map(|(key, value)| (key, value.value)).collect())
    }
}

/// The path with `.` and `..` taken out by their names, as a reader of the file reads them.
pub(super) fn tidy(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
        path
    })
}
