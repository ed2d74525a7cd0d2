//! `devspace space`.

use std::sync::Arc;

use devspace_api::space::SpaceSpec;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::pump::pump;
use super::{Invocation, list, status};
use crate::args::{SpaceCommand, SpaceCreateArgs, TargetArgs, target};
use crate::engine::Engine;
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::spaces::{self, SpaceRequest};
use crate::ops::target::Target;
use crate::ops::up::{UpRequest, check_service, spec, up};
use crate::ops::{baseline, copies};
use crate::report::AnyReport;
use crate::settings::{Selection, UserFile};

/// Runs one of the verbs.
pub(super) async fn run(invocation: &mut Invocation, command: SpaceCommand) -> Result<Exit, AnyReport> {
    match command {
        SpaceCommand::Create(args) => create(invocation, args).await,
        SpaceCommand::Select { name, baseline } => select(invocation, name, baseline).await,
        SpaceCommand::Show { name, baseline } => show(invocation, target(name, baseline)).await,
        SpaceCommand::Delete {
            name,
            baseline,
            timeout,
        } => {
            let (engine, found) = find(invocation, target(Some(name), baseline)).await?;
            delete(invocation, engine.as_ref(), &found, timeout).await
        }
    }
}

async fn find(invocation: &mut Invocation, args: TargetArgs) -> Result<(Arc<dyn Engine>, Target), AnyReport> {
    let engine = invocation.engine().await?;
    let found = invocation.target(engine.as_ref(), args).await?;
    Ok((engine, found))
}

async fn create(invocation: &mut Invocation, args: SpaceCreateArgs) -> Result<Exit, AnyReport> {
    let (engine, found) = find(invocation, target(Some(args.name.clone()), args.baseline.clone())).await?;
    // Everything is checked before anything is made.
    let known = baseline::existing(engine.as_ref(), &found.baseline).await?;
    for copy in &args.copies {
        check_service(&known, &found.baseline, copy.service.as_str())?;
    }
    if let Some(parent) = &args.parent {
        let at = crate::engine::At {
            namespace: found.baseline.clone(),
            name: parent.clone(),
        };
        spaces::existing(engine.as_ref(), &at).await?;
    }
    let request = SpaceRequest {
        at: found.at(),
        user: found.user.clone(),
        spec: SpaceSpec {
            owner: found.user.clone(),
            parent: args.parent.clone(),
            ttl: args.ttl.map(spec::written),
            shared_with: args.share_with.clone(),
        },
        new: true,
    };
    let started = tokio::time::Instant::now();
    let name = found.space.to_string();
    let late = |_| spaces::SpaceError::TimedOut {
        space: name.clone(),
        wanted: "ready",
        message: String::new(),
        look: engine.identity().look(),
    };
    let ready = tokio::time::timeout(args.timeout, spaces::ensure(engine.as_ref(), &request))
        .await
        .map_err(late)??;
    invocation.printer.event(&Event::Space {
        space: name.clone(),
        baseline: found.baseline.clone(),
        namespace: ready.namespace.clone(),
        created: true,
        chosen_by: found.chosen_by.to_string(),
        seconds: started.elapsed().into(),
    })?;
    make_copies(invocation, engine, found, &args).await?;
    if let Some(url) = ready
        .urls
        .into_iter()
        .next()
        .filter(|_| args.copies.is_empty() || !args.wait)
    {
        invocation.printer.event(&Event::Url { space: name, url })?;
    }
    Ok(Exit::Ok)
}

/// Makes the copies of `--copy`. With `--wait` that is what `up --image --detach` does.
async fn make_copies(
    invocation: &mut Invocation,
    engine: Arc<dyn Engine>,
    found: Target,
    args: &SpaceCreateArgs,
) -> Result<(), AnyReport> {
    let requests: Vec<_> = args
        .copies
        .iter()
        .map(|copy| spec::of_service(copy.service.as_str(), copy.image.clone()))
        .collect();
    if requests.is_empty() {
        return Ok(());
    }
    if !args.wait {
        let space = spaces::existing(engine.as_ref(), &found.at()).await?;
        let namespace = copies::namespace(&space).unwrap_or_default();
        for request in requests {
            let at = crate::engine::At {
                namespace: namespace.clone(),
                name: request.service,
            };
            engine.copies().apply(&at, request.object).await?;
        }
        return Ok(());
    }
    let request = UpRequest {
        target: found,
        copies: requests,
        stay: false,
        timeout: args.timeout,
    };
    let (event_tx, event_rx) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let work = Box::pin(up(engine, request, event_tx, cancel.clone()));
    pump(&mut invocation.printer, work, event_rx, Some(cancel)).await
}

async fn select(
    invocation: &mut Invocation,
    name: String,
    baseline: Option<String>,
) -> Result<Exit, AnyReport> {
    let (engine, found) = find(invocation, target(Some(name), baseline)).await?;
    spaces::existing(engine.as_ref(), &found.at()).await?;
    let identity = engine.identity();
    let selection = Selection {
        baseline: found.baseline.clone(),
        space: found.space.to_string(),
    };
    UserFile::load()?.select(identity.engine, &identity.context, selection)?;
    invocation.printer.event(&Event::Selected {
        space: found.space.to_string(),
        baseline: found.baseline,
        context: identity.context.clone(),
    })?;
    Ok(Exit::Ok)
}

async fn show(invocation: &mut Invocation, args: TargetArgs) -> Result<Exit, AnyReport> {
    let (engine, found) = find(invocation, args).await?;
    let space = spaces::existing(engine.as_ref(), &found.at()).await?;
    let row = crate::ops::list::row(engine.as_ref(), &space, Timestamp::now()).await;
    invocation.printer.table(&list::table(vec![row]))?;
    let rows = crate::ops::status::status(engine.as_ref(), &found, None).await?;
    if !rows.is_empty() {
        invocation.printer.table(&status::table(rows))?;
    }
    for url in space.status.map(|status| status.urls).unwrap_or_default() {
        invocation.printer.event(&Event::Url {
            space: found.space.to_string(),
            url,
        })?;
    }
    Ok(Exit::Ok)
}

async fn delete(
    invocation: &mut Invocation,
    engine: &dyn Engine,
    found: &Target,
    timeout: std::time::Duration,
) -> Result<Exit, AnyReport> {
    let space = spaces::existing(engine, &found.at()).await?;
    let gone: Vec<String> = copies::in_space(engine, &space)
        .await?
        .into_iter()
        .map(|copy| copy.spec.service)
        .collect();
    let space = spaces::delete(engine, &found.at(), &found.user, timeout).await?;
    let namespace = copies::namespace(&space);
    for name in gone {
        invocation.printer.event(&Event::Removed {
            kind: "ServiceCopy",
            name,
            namespace: namespace.clone(),
        })?;
    }
    if let Some(name) = namespace {
        invocation.printer.event(&Event::Removed {
            kind: "Namespace",
            name,
            namespace: None,
        })?;
    }
    let (name, namespace) = (found.space.to_string(), Some(found.baseline.clone()));
    invocation.printer.event(&Event::Removed {
        kind: "Space",
        name,
        namespace,
    })?;
    Ok(Exit::Ok)
}
