//! `devspace baseline`.

use tokio::sync::mpsc;

use super::Invocation;
use super::pump::pump;
use crate::args::{BaselineArgs, BaselineCommand, EnableArgs, RestoreArgs};
use crate::engine::Engine;
use crate::engine::kube::Kube;
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
    let kube = invocation.engine().await?;
    let namespace = match args.baseline {
        Some(namespace) => namespace,
        None => match &args.command {
            // Only what exists can be chosen from; a first baseline goes where the context points.
            BaselineCommand::Status => find_baseline(&kube, &UserFile::load()?, None).await?,
            _ => find_baseline(&kube, &UserFile::load()?, None)
                .await
                .unwrap_or_else(|_| kube.identity().namespace.clone()),
        },
    };
    match args.command {
        BaselineCommand::Enable(args) => {
            let wanted = if args.all {
                Change::EnableAll
            } else {
                Change::Enable(args.services.clone())
            };
            write(invocation, &kube, &namespace, wanted, args).await
        }
        BaselineCommand::Disable(args) => {
            let wanted = if args.all {
                Change::DisableAll
            } else {
                Change::Disable(args.services.clone())
            };
            write(invocation, &kube, &namespace, wanted, args).await
        }
        BaselineCommand::Status => {
            let baseline = existing(&kube, &namespace).await?;
            show(invocation, &baseline)?;
            Ok(Exit::Ok)
        }
        BaselineCommand::Restore(args) => put_back(invocation, kube, namespace, args).await,
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
