//! Where the local engine finds the folder: in the workspace file above it, or in a new one.

use super::baseline::Baseline;
use super::{warn, yes};
use crate::commands::Invocation;
use crate::event::Event;
use crate::init::workspace::{Unchangeable, Workspace, find, fresh, repository};
use crate::init::{DetectError, Disk, Files, InitError, Looked, label};
use crate::project::FILE_NAME;
use crate::report::AnyReport;

/// What is written besides the project file, so that the local engine has a baseline to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: no local engine is meant, or nobody agreed to begin with it.
    None,
    /// Nothing: the workspace of this name lists the folder, or its file is left to the developer.
    Above(String),
    /// The project file is its own workspace, of this name.
    Own(String),
    /// A workspace file above, relative to the folder.
    Other {
        workspace: String,
        path: String,
        text: String,
        exists: bool,
    },
}

impl Place {
    /// The name of a workspace in the project file itself.
    pub(super) fn own_name(&self) -> Option<String> {
        match self {
            Self::Own(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// Where the local engine keeps the service's copies, as VS Code names it: in its usual state folder, with a
    /// question for the space. `None` where no local engine is meant.
    pub(super) fn copies(&self, service: &str) -> Option<String> {
        let workspace = match self {
            Self::None => return None,
            Self::Own(workspace) | Self::Above(workspace) | Self::Other { workspace, .. } => workspace,
        };
        Some(format!(
            "${{userHome}}/.local/state/devspace/local/workspaces/{workspace}/copies/${{input:space}}/{service}/root"
        ))
    }
}

/// Decides with the developer. A cluster's baseline is nothing that `init` could add to.
pub(super) fn place(
    invocation: &mut Invocation,
    disk: &Disk,
    baseline: &Baseline,
    looked: &Looked,
    agreed: bool,
) -> Result<Place, AnyReport> {
    let found = find(disk).map_err(|source| InitError::Detect {
        folder: disk.place().to_owned(),
        source: DetectError::Read(source),
    })?;
    // A file that is written anew stays the workspace that it was.
    if let Some(own) = found.as_ref().filter(|found| found.path == FILE_NAME) {
        return Ok(Place::Own(own.name.clone()));
    }
    let local = match baseline {
        Baseline::Known { local, .. } | Baseline::Unknown { local, .. } => *local,
    };
    if !local {
        return Ok(Place::None);
    }
    match found {
        Some(found) if found.lists() => Ok(Place::Above(found.name)),
        Some(found) => lengthen(invocation, &found, agreed),
        None => begin(invocation, disk, looked, agreed),
    }
}

/// Adds the folder to the workspace above.
fn lengthen(invocation: &mut Invocation, found: &Workspace, agreed: bool) -> Result<Place, AnyReport> {
    let question = format!(
        "add {} to the services of {} ({})?",
        found.member, found.name, found.path
    );
    if !agreed && !yes(invocation, &question)? {
        left(invocation, found, "nobody agreed to change it; `--yes` does")?;
        return Ok(Place::Above(found.name.clone()));
    }
    match found.with_member() {
        Ok(text) => Ok(Place::Other {
            workspace: found.name.clone(),
            path: found.path.clone(),
            text,
            exists: true,
        }),
        Err(unchangeable @ Unchangeable) => {
            left(invocation, found, &unchangeable.to_string())?;
            Ok(Place::Above(found.name.clone()))
        }
    }
}

fn left(invocation: &mut Invocation, found: &Workspace, why: &str) -> Result<(), AnyReport> {
    invocation.printer.event(&Event::Left {
        path: found.path.clone(),
        why: format!("{why}; `devspace up` on the local engine needs this in `services`"),
        text: Some(format!("- {}", found.member)),
    })?;
    Ok(())
}

/// A workspace of one service: at the root of the repository, or in the project file itself where the folder is the root.
fn begin(
    invocation: &mut Invocation,
    disk: &Disk,
    looked: &Looked,
    agreed: bool,
) -> Result<Place, AnyReport> {
    let name = |folder: &str| label(folder).unwrap_or_else(|| "application".to_owned());
    let question = "no application of the local engine holds this folder; make it one of its own?";
    if !agreed && !yes(invocation, question)? {
        let message = "`devspace up` needs a baseline: choose a cluster, or make the folder an application of its own on \
the local engine with `devspace init --force --yes`";
        warn(invocation, message.to_owned())?;
        return Ok(Place::None);
    }
    let height = repository(disk).unwrap_or(0);
    let above = format!("{}{FILE_NAME}", "../".repeat(height));
    if height > 0
        && !disk.has(&above)
        && let (Some(member), Some(path)) = (disk.below(height), disk.below(height + 1))
    {
        let workspace = name(path.split('/').next().unwrap_or_default());
        return Ok(Place::Other {
            text: fresh(&workspace, &member),
            workspace,
            path: above,
            exists: false,
        });
    }
    Ok(Place::Own(name(&looked.folder)))
}
