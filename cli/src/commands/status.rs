//! `devspace status`.

use super::Invocation;
use crate::args::StatusArgs;
use crate::engine::Engine;
use crate::event::{CopyRow, Event};
use crate::exit::Exit;
use crate::ops::status::status;
use crate::printer::{Row, Table};
use crate::report::AnyReport;

/// Prints the engine and the copies.
pub(super) async fn run(invocation: &mut Invocation, args: StatusArgs) -> Result<Exit, AnyReport> {
    let kube = invocation.engine().await?;
    let target = invocation.target(&kube, args.target).await?;
    let identity = kube.identity();
    invocation.printer.event(&Event::Engine {
        engine: identity.engine,
        context: identity.context.clone(),
        server: identity.server.clone(),
        baseline: target.baseline.clone(),
        space: target.space.to_string(),
        chosen_by: target.chosen_by.to_string(),
    })?;
    let rows = status(&kube, &target).await?;
    invocation.printer.table(&table(rows))?;
    Ok(Exit::Ok)
}

/// Copies as a table.
pub(super) fn table(rows: Vec<CopyRow>) -> Table {
    let row = |copy: CopyRow| {
        let revision = copy
            .revision
            .map_or_else(|| "-".to_owned(), |revision| format!("r{revision}"));
        let cells = vec![
            copy.service.clone(),
            copy.phase.clone(),
            if copy.routed { "yes" } else { "no" }.to_owned(),
            revision,
            if copy.drift { "yes" } else { "no" }.to_owned(),
            copy.pod.clone().unwrap_or_else(|| "-".to_owned()),
            copy.message.clone(),
        ];
        Row {
            cells,
            event: Event::Copy(copy),
        }
    };
    let columns = vec![
        "SERVICE", "PHASE", "ROUTED", "REVISION", "DRIFT", "POD", "MESSAGE",
    ];
    Table {
        columns,
        rows: rows.into_iter().map(row).collect(),
    }
}
