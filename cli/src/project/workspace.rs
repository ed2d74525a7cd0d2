//! The workspace: the application whose services run on this machine as a baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use devspace_core::ServiceName;
use serde_saphyr::Spanned;

use super::check::{Context, tidy};
use super::error::ProjectError;
use super::raw::{self, RawProject, RawWorkspace};
use super::{FILE_NAME, Project, text_of};

/// A checked `devspace.yaml` with `workspace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkspaceFile {
    /// The file.
    pub(crate) file: PathBuf,
    /// Its name, which is the baseline's.
    pub(crate) name: ServiceName,
    /// The folders of its services, absolute.
    pub(crate) services: Vec<PathBuf>,
    /// The public host. Unset: `localhost`.
    pub(crate) host: Option<String>,
    /// Path prefixes and the service that answers each. Empty: `/` is the first service.
    pub(crate) routes: BTreeMap<String, String>,
    /// The port for people. Unset: the engine's default.
    pub(crate) port: Option<u16>,
}

impl WorkspaceFile {
    /// The workspace of `from`: the nearest file with `workspace` in that folder or above it.
    ///
    /// # Errors
    /// [`ProjectError::NoWorkspace`], or what is wrong with a file on the way.
    pub(crate) fn find(from: &Path) -> Result<Self, ProjectError> {
        let from = std::path::absolute(from).unwrap_or_else(|_| from.to_owned());
        let from = tidy(&from);
        for folder in from.ancestors() {
            // The argument may be the file itself.
            let file = if folder.is_file() {
                folder.to_owned()
            } else {
                folder.join(FILE_NAME)
            };
            match Self::read(&file) {
                Ok(Some(found)) => return Ok(found),
                // Somebody else's file above ours is not ours to judge.
                Ok(None) | Err(ProjectError::Missing { .. } | ProjectError::Foreign { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ProjectError::NoWorkspace { folder: from })
    }

    /// The workspace in `file`; `None` if it is the file of a service.
    fn read(file: &Path) -> Result<Option<Self>, ProjectError> {
        let raw = raw::parse(file, &text_of(file)?)?;
        check(file, &raw)
    }

    /// The projects of its services, in their order.
    ///
    /// # Errors
    /// The first thing that is wrong with one of them, or that they do not fit together.
    pub(crate) fn projects(&self) -> Result<Vec<Project>, ProjectError> {
        let projects = self
            .services
            .iter()
            .map(|folder| Project::load(folder))
            .collect::<Result<Vec<_>, _>>()?;
        once(&projects)?;
        let known: Vec<String> = projects
            .iter()
            .map(|project| project.service.to_string())
            .collect();
        for (prefix, service) in &self.routes {
            if !known.contains(service) {
                return Err(ProjectError::RouteTarget {
                    file: self.file.clone(),
                    prefix: prefix.clone(),
                    service: service.clone(),
                    known,
                });
            }
        }
        for project in &projects {
            project.runs_here()?;
            let named = project
                .local_env
                .values()
                .flat_map(|text| super::variables::peers(text));
            if let Some(peer) = named
                .into_iter()
                .find(|peer| !known.iter().any(|name| name == peer))
            {
                return Err(ProjectError::UnknownPeer {
                    file: project.file.clone(),
                    peer: peer.to_owned(),
                    known,
                });
            }
        }
        Ok(projects)
    }
}

/// Refuses two folders for one service.
///
/// # Errors
/// [`ProjectError::Twice`] with both files.
pub(crate) fn once(projects: &[Project]) -> Result<(), ProjectError> {
    for (index, project) in projects.iter().enumerate() {
        let mut before = projects.iter().take(index);
        if let Some(other) = before.find(|other| other.service == project.service) {
            return Err(ProjectError::Twice {
                service: project.service.to_string(),
                first: other.file.clone(),
                second: project.file.clone(),
            });
        }
    }
    Ok(())
}

/// Checks what is said of the workspace.
fn check(file: &Path, raw: &RawProject) -> Result<Option<WorkspaceFile>, ProjectError> {
    let cx = Context {
        file,
        folder: file.parent().unwrap_or(Path::new(".")),
    };
    let Some(workspace) = &raw.workspace else {
        return Ok(None);
    };
    cx.version(raw.devspace.as_ref())?;
    // An application of one service needs one file: it names its own folder.
    let own = |folder: &Spanned<String>| tidy(&cx.folder.join(&folder.value)) == cx.folder;
    let listed = workspace.value.services.iter();
    if let Some(service) = &raw.service
        && !listed.flat_map(|services| &services.value).any(own)
    {
        return Err(ProjectError::BothKinds {
            place: cx.place(service),
        });
    }
    let RawWorkspace {
        name,
        services,
        host,
        routes,
        port,
    } = &workspace.value;
    let name = name.as_ref().ok_or_else(|| cx.missing("workspace.name"))?;
    let folders = services
        .as_ref()
        .ok_or_else(|| cx.missing("workspace.services"))?;
    if folders.value.is_empty() {
        return Err(ProjectError::NoServices {
            place: cx.place(folders),
        });
    }
    Ok(Some(WorkspaceFile {
        file: file.to_owned(),
        name: ServiceName::try_new(&name.value).map_err(|source| ProjectError::WorkspaceName {
            place: cx.place(name),
            source,
        })?,
        services: folders
            .value
            .iter()
            .map(|folder| service_folder(&cx, folder))
            .collect::<Result<_, _>>()?,
        host: host.as_ref().map(|host| checked_host(&cx, host)).transpose()?,
        routes: routes
            .iter()
            .flatten()
            .map(|(prefix, service)| route(&cx, prefix, service))
            .collect::<Result<_, _>>()?,
        port: port.as_ref().map(|port| cx.port(port)).transpose()?,
    }))
}

fn service_folder(cx: &Context<'_>, given: &Spanned<String>) -> Result<PathBuf, ProjectError> {
    let path = tidy(&cx.folder.join(&given.value));
    if path.is_dir() {
        Ok(path)
    } else {
        Err(ProjectError::NoServiceFolder {
            place: cx.place(given),
            given: given.value.clone(),
            path,
        })
    }
}

/// Labels of letters, digits and hyphens between dots (RFC 1123, section 2.1).
fn checked_host(cx: &Context<'_>, host: &Spanned<String>) -> Result<String, ProjectError> {
    let label = |label: &str| ServiceName::try_new(&label.to_ascii_lowercase()).is_ok();
    if host.value.split('.').all(label) {
        Ok(host.value.to_ascii_lowercase())
    } else {
        Err(ProjectError::Host {
            place: cx.place(host),
            text: host.value.clone(),
        })
    }
}

fn route(
    cx: &Context<'_>,
    prefix: &str,
    service: &Spanned<String>,
) -> Result<(String, String), ProjectError> {
    if prefix.starts_with('/') {
        Ok((prefix.to_owned(), service.value.clone()))
    } else {
        Err(ProjectError::RoutePrefix {
            place: cx.place(service),
            prefix: prefix.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
