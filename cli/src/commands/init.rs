//! `devspace init`.

use std::path::{Path, PathBuf};

use devspace_core::ServiceName;

use super::Invocation;
use crate::args::InitArgs;
use crate::event::Event;
use crate::exit::Exit;
use crate::init::{
    Choice, Disk, Draft, Filled, IGNORE_FILE, InitError, LookError, Looked, Said, choose, look, render,
    unignored, vscode,
};
use crate::nearest::nearest;
use crate::project::{self, FILE_NAME, Project, ProjectError};
use crate::report::AnyReport;

mod baseline;
mod place;

use baseline::{Baseline, ask};
use place::{Place, place};

/// Looks at the folder, then at the baseline, then writes.
pub(super) async fn run(invocation: &mut Invocation, args: InitArgs) -> Result<Exit, AnyReport> {
    let folder = folder(&args.path)?;
    let disk = Disk::new(&folder);
    let looked = looked(&args.path, &folder, &disk, args.vscode)?;
    let file = folder.join(FILE_NAME);
    let replaced = may_write(invocation, &file, args.force)?;
    let draft = &looked.draft;
    found(invocation, "language", &draft.title, "its files")?;
    let baseline = ask(invocation, args.baseline.clone()).await?;
    let service = service(&args, &looked, &baseline)?;
    found(invocation, "service", &service.value, &service.why)?;
    if let Baseline::Unknown { why, .. } = &baseline {
        warn(
            invocation,
            format!("the name was not checked against a baseline: {why}"),
        )?;
    }
    if let Some(port) = &draft.port {
        found(invocation, "port", &port.value.to_string(), &port.why)?;
    }
    let place = place(invocation, &disk, &baseline, &looked, args.yes)?;
    let local = place.copies(&service.value);
    if draft.port.is_none() && local.is_none() {
        let message = "no port was found; a copy on a cluster takes that of the baseline's Service, the local engine needs `ports`";
        warn(invocation, message.to_owned())?;
    }
    let text = render(&Filled {
        draft,
        service,
        local: local.is_some(),
        workspace: place.own_name(),
        schema: args.vscode.then_some(vscode::SCHEMA),
    });
    write(invocation, &file, FILE_NAME, &text, replaced)?;
    ignore(invocation, &folder, &disk, draft)?;
    if args.vscode {
        editor(invocation, &folder, draft, local.as_deref())?;
    }
    if let Place::Other {
        path, text, exists, ..
    } = &place
    {
        write(invocation, &folder.join(path), path, text, *exists)?;
    }
    for note in &draft.notes {
        warn(invocation, note.clone())?;
    }
    invocation.printer.event(&Event::Next {
        commands: next(&args.path, &place, &baseline),
    })?;
    Ok(Exit::Ok)
}

fn folder(path: &Path) -> Result<PathBuf, InitError> {
    // The real path: the names of the folders above are read from it.
    std::fs::canonicalize(path)
        .ok()
        .filter(|folder| folder.is_dir())
        .ok_or_else(|| InitError::NoFolder {
            path: path.to_owned(),
        })
}

fn looked(given: &Path, folder: &Path, disk: &Disk, debug: bool) -> Result<Looked, InitError> {
    let folder = folder.to_owned();
    look(disk, debug).map_err(|error| match error {
        LookError::Empty => InitError::Empty { folder },
        LookError::Several(below) => InitError::Several {
            folder,
            below: below.iter().map(|path| below_given(given, path)).collect(),
        },
        LookError::Detect(source) => InitError::Detect { folder, source },
    })
}

/// A path below the folder, as it is typed from where the command was.
fn below_given(given: &Path, path: &str) -> String {
    if given == Path::new(".") {
        path.to_owned()
    } else {
        given.join(path).display().to_string()
    }
}

/// Whether a file of ours is replaced. A file of the other tool of this name never is.
fn may_write(invocation: &mut Invocation, file: &Path, force: bool) -> Result<bool, AnyReport> {
    match Project::load(file) {
        Err(ProjectError::Missing { .. }) => return Ok(false),
        Err(foreign @ ProjectError::Foreign { .. }) => return Err(foreign.into()),
        _ => {}
    }
    if force
        || yes(
            invocation,
            &format!("{} is there already; write it anew?", file.display()),
        )?
    {
        return Ok(true);
    }
    Err(InitError::Exists {
        file: file.to_owned(),
    }
    .into())
}

/// Asks at a terminal; elsewhere the answer is no.
fn yes(invocation: &mut Invocation, question: &str) -> Result<bool, AnyReport> {
    if !invocation.can_ask() {
        return Ok(false);
    }
    let answer = invocation.ask(&format!("{question} [y/N] "))?;
    Ok(["y", "yes"].contains(&answer.to_ascii_lowercase().as_str()))
}

/// The service: by flag, else by the names that the folder has. A cluster's baseline must have it; on the local engine
/// it can be added.
fn service(args: &InitArgs, looked: &Looked, baseline: &Baseline) -> Result<Said<String>, InitError> {
    let names = match &args.service {
        Some(name) => {
            ServiceName::try_new(name).map_err(|source| InitError::Name {
                name: name.clone(),
                source,
            })?;
            vec![Said::new(name.clone(), "--service")]
        }
        None => looked.names(),
    };
    let Baseline::Known {
        name,
        services,
        local,
    } = baseline
    else {
        return Ok(crate::init::best(&names));
    };
    match choose(&names, services) {
        Choice::Found(service) => {
            let why = format!("{}; a service of the baseline {name}", service.why);
            Ok(Said::new(service.value, why))
        }
        Choice::Missing { best, .. } if *local => Ok(best),
        Choice::Missing {
            best,
            nearest: mut near,
        } => {
            near.extend(nearest(&best.value, services.iter().map(String::as_str)));
            Err(InitError::Unknown {
                service: best.value,
                why: best.why,
                baseline: name.clone(),
                nearest: near,
                known: services.clone(),
            })
        }
    }
}

/// What the tools make and no rule leaves out gets a rule.
fn ignore(invocation: &mut Invocation, folder: &Path, disk: &Disk, draft: &Draft) -> Result<(), AnyReport> {
    let open = unignored(disk, draft);
    if open.names.is_empty() {
        return Ok(());
    }
    if open.file_exists {
        left(invocation, IGNORE_FILE, Some(open.text()))
    } else {
        write(
            invocation,
            &folder.join(IGNORE_FILE),
            IGNORE_FILE,
            &open.text(),
            false,
        )
    }
}

/// The files of the editor. The developer's own are left, and what to add is shown.
fn editor(
    invocation: &mut Invocation,
    folder: &Path,
    draft: &Draft,
    local: Option<&str>,
) -> Result<(), AnyReport> {
    let at = folder.join(vscode::FOLDER);
    std::fs::create_dir_all(&at).map_err(|source| InitError::Write { file: at, source })?;
    for file in vscode::files(draft, &project::schema(), local) {
        let path = folder.join(file.path);
        let exists = path.exists();
        if exists && std::fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        let replace = !exists || file.ours || yes(invocation, &format!("replace {}?", file.path))?;
        if replace {
            write(invocation, &path, file.path, &file.text, exists)?;
        } else {
            left(invocation, file.path, Some(file.text))?;
        }
    }
    Ok(())
}

fn next(path: &Path, place: &Place, baseline: &Baseline) -> Vec<String> {
    let mut commands = Vec::new();
    if path != Path::new(".") {
        commands.push(format!("cd {}", path.display()));
    }
    if !matches!(place, Place::None) {
        commands.push("devspace local start".to_owned());
        if !matches!(baseline, Baseline::Known { local: true, .. }) {
            commands.push("devspace use local".to_owned());
        }
    }
    commands.push("devspace up".to_owned());
    commands
}

/// Writes beside the file first and renames, so that nobody reads half a file.
fn write(
    invocation: &mut Invocation,
    file: &Path,
    shown: &str,
    text: &str,
    replaced: bool,
) -> Result<(), AnyReport> {
    let failed = |source| InitError::Write {
        file: file.to_owned(),
        source,
    };
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = file.with_file_name(name);
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, file).map_err(failed)?;
    invocation.printer.event(&Event::Wrote {
        path: shown.to_owned(),
        replaced,
    })?;
    Ok(())
}

fn found(invocation: &mut Invocation, what: &'static str, value: &str, from: &str) -> Result<(), AnyReport> {
    invocation.printer.event(&Event::Found {
        what,
        value: value.to_owned(),
        from: from.to_owned(),
    })?;
    Ok(())
}

fn left(invocation: &mut Invocation, path: &str, text: Option<String>) -> Result<(), AnyReport> {
    invocation.printer.event(&Event::Left {
        path: path.to_owned(),
        why: "it is there already; add by hand".to_owned(),
        text,
    })?;
    Ok(())
}

fn warn(invocation: &mut Invocation, message: String) -> Result<(), AnyReport> {
    invocation.printer.event(&Event::Warning {
        service: None,
        message,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
