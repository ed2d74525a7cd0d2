//! `devspace up`.

use std::path::{Path, PathBuf};

use devspace_api::names::REFRESH_ANNOTATION;
use devspace_sync::session::ClientIdentity;
use kube::ResourceExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::pump::pump;
use crate::args::UpArgs;
use crate::engine::{At, Engine};
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::target::Target;
use crate::ops::up::{CopyRequest, UpRequest, spec, up};
use crate::ops::{copies, spaces};
use crate::project::{Project, ProjectError, once};
use crate::report::AnyReport;

/// Reads the projects first: a wrong file is told before anything is asked of a cluster.
pub(super) async fn run(invocation: &mut Invocation, args: UpArgs) -> Result<Exit, AnyReport> {
    let projects = load(&args.paths)?;
    let engine = invocation.engine().await?;
    let target = invocation.target(engine.as_ref(), args.target).await?;
    let mut copies: Vec<CopyRequest> = projects
        .iter()
        .map(|project| match &args.image {
            Some(image) => spec::of_image(project, &target.space, image.clone()),
            None => spec::of_folder(project, &target.space, identity(&target.user)),
        })
        .collect();
    if args.plan {
        return plan(invocation, engine.as_ref(), &target, copies).await;
    }
    // Each `up` takes over what has changed in the baseline since the last one.
    for copy in &mut copies {
        let asked = uuid::Uuid::now_v7().to_string();
        copy.object
            .annotations_mut()
            .insert(REFRESH_ANNOTATION.to_owned(), asked);
    }
    let stay = !args.detach && args.image.is_none();
    let request = UpRequest {
        target,
        copies,
        stay,
        timeout: args.timeout,
    };
    let cancel = CancellationToken::new();
    let (event_tx, event_rx) = mpsc::channel(EVENTS);
    let work = Box::pin(up(engine, request, event_tx, cancel.clone()));
    pump(&mut invocation.printer, work, event_rx, Some(cancel)).await?;
    Ok(Exit::Ok)
}

/// Events that may wait for the printer.
const EVENTS: usize = 256;

/// The projects of the paths, or of this folder. Each service once.
fn load(paths: &[PathBuf]) -> Result<Vec<Project>, AnyReport> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let projects = paths
        .iter()
        .map(|path| Project::load(path))
        .collect::<Result<Vec<_>, ProjectError>>()?;
    once(&projects)?;
    Ok(projects)
}

/// Who is at this end, as a session that is taken over is told.
fn identity(user: &str) -> ClientIdentity {
    ClientIdentity {
        user: user.to_owned(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        session_id: uuid::Uuid::now_v7().to_string(),
    }
}

/// Prints the objects that would be written, and what is known of the copies that exist.
async fn plan(
    invocation: &mut Invocation,
    engine: &dyn Engine,
    target: &Target,
    copies: Vec<CopyRequest>,
) -> Result<Exit, AnyReport> {
    let space = engine.spaces().get(&target.at()).await?;
    if space.is_none() {
        let wanted = spaces::SpaceRequest::for_use(target);
        let mut object = devspace_api::Space::new(&wanted.at.name, wanted.spec);
        object.metadata.namespace = Some(wanted.at.namespace);
        let object = serde_json::to_value(&object).unwrap_or_default();
        invocation.printer.event(&Event::Plan {
            service: target.space.to_string(),
            object,
            changes: None,
        })?;
    }
    let namespace = space.as_ref().and_then(copies::namespace);
    for copy in copies {
        let mut object = copy.object;
        object.metadata.namespace.clone_from(&namespace);
        let existing = match &namespace {
            Some(namespace) => {
                engine
                    .copies()
                    .get(&At {
                        namespace: namespace.clone(),
                        name: copy.service.clone(),
                    })
                    .await?
            }
            None => None,
        };
        let changes = Some(
            existing
                .and_then(|existing| existing.status)
                .unwrap_or_default()
                .changes,
        );
        let object = serde_json::to_value(&object).unwrap_or_default();
        invocation.printer.event(&Event::Plan {
            service: copy.service,
            object,
            changes,
        })?;
    }
    Ok(Exit::Ok)
}

/// The service that a verb is about: by flag, else by `devspace.yaml` here.
pub(super) fn service_or_project(service: Option<String>) -> Result<String, AnyReport> {
    match service {
        Some(service) => Ok(service),
        None => Ok(Project::load(Path::new("."))?.service.to_string()),
    }
}
