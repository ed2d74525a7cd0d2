//! `devspace baseline`.

use tokio::sync::mpsc;

use super::Invocation;
use super::pump::pump;
use crate::args::{BaselineArgs, BaselineCommand, EnableArgs, RestoreArgs};
use crate::engine::kube::Kube;
use crate::engine::{Engine, EngineError};
use crate::event::{Event, InterceptionRow};
use crate::exit::Exit;
use crate::ops::baseline::{Change, change, existing, rows, settled};
use crate::ops::restore::{RestoreRequest, restore};
use crate::ops::target::find_baseline;
use crate::printer::{Row, Table};
use crate::report::AnyReport;
use crate::settings::UserFile;

/// Runs one of the verbs. The namespace need not be a known baseline: these verbs make and mend one.
pub(super) async fn run(invocation: &mut Invocation, args: BaselineArgs) -> Result<Exit, AnyReport> {
    let engine = invocation.engine().await?;
    let cluster = match writes(&args.command) {
        Some(verb) => Some(engine.cluster().ok_or(EngineError::NoCluster { verb })?),
        None => None,
    };
    let file = UserFile::load()?;
    let found = find_baseline(engine.as_ref(), &file, None);
    let namespace = match (args.baseline, &cluster) {
        (Some(namespace), _) => namespace,
        // Only what exists can be chosen from; a first baseline goes where the context points.
        (None, None) => found.await?.value,
        (None, Some(kube)) => match found.await {
            Ok(found) => found.value,
            Err(_) => kube.identity().namespace.clone(),
        },
    };
    let Some(kube) = cluster else {
        let baseline = existing(engine.as_ref(), &namespace).await?;
        show(invocation, &baseline)?;
        return Ok(Exit::Ok);
    };
    match args.command {
        BaselineCommand::Enable(args) => {
            let wanted = if args.all {
                Change::EnableAll
            } else {
                Change::Enable(args.services.clone())
            };
            write(invocation, kube, &namespace, wanted, args).await
        }
        BaselineCommand::Disable(args) => {
            let wanted = if args.all {
                Change::DisableAll
            } else {
                Change::Disable(args.services.clone())
            };
            write(invocation, kube, &namespace, wanted, args).await
        }
        BaselineCommand::Status => Ok(Exit::Ok),
        BaselineCommand::Restore(args) => put_back(invocation, kube.clone(), namespace, args).await,
    }
}

/// The verb, if it writes the team's own Services: only a cluster has those.
const fn writes(command: &BaselineCommand) -> Option<&'static str> {
    match command {
        BaselineCommand::Enable(_) => Some("baseline enable"),
        BaselineCommand::Disable(_) => Some("baseline disable"),
        BaselineCommand::Restore(_) => Some("baseline restore"),
        BaselineCommand::Status => None,
    }
}

async fn write(
    invocation: &mut Invocation,
    kube: &Kube,
    namespace: &str,
    wanted: Change,
    args: EnableArgs,
) -> Result<Exit, AnyReport> {
    let written = change(kube, namespace, &wanted, &args.hosts).await?;
    let baseline = settled(kube, &written, &wanted, args.timeout).await?;
    show(invocation, &baseline)?;
    Ok(Exit::Ok)
}

fn show(invocation: &mut Invocation, baseline: &devspace_api::Baseline) -> Result<(), AnyReport> {
    let status = baseline.status.clone().unwrap_or_default();
    invocation.printer.event(&Event::Router {
        baseline: baseline.metadata.namespace.clone().unwrap_or_default(),
        ready: status.router.ready,
        desired: status.router.desired,
        hosts: status.hosts,
    })?;
    let row = |state: InterceptionRow| Row {
        cells: vec![state.service.clone(), state.state.clone(), state.message.clone()],
        event: Event::Interception(state),
    };
    let columns = vec!["SERVICE", "STATE", "REASON"];
    invocation.printer.table(&Table {
        columns,
        rows: rows(baseline).into_iter().map(row).collect(),
    })?;
    Ok(())
}

async fn put_back(
    invocation: &mut Invocation,
    kube: Kube,
    namespace: String,
    args: RestoreArgs,
) -> Result<Exit, AnyReport> {
    let request = RestoreRequest {
        plan: args.plan,
        finalizers: args.finalizers,
    };
    let (event_tx, event_rx) = mpsc::channel(16);
    let name = namespace.clone();
    let work = async move { restore(&kube, &namespace, request, &event_tx).await };
    let count = pump(&mut invocation.printer, Box::pin(work), event_rx, None).await?;
    if count == 0 {
        let message = format!("no Service in namespace {name} carries an interception record");
        invocation.printer.event(&Event::Warning {
            service: None,
            message,
        })?;
    }
    Ok(Exit::Ok)
}
