//! `devspace status`.

use std::path::Path;

use super::Invocation;
use crate::args::StatusArgs;
use crate::event::{CopyRow, Event};
use crate::exit::Exit;
use crate::ops::status::status;
use crate::printer::{Row, Table};
use crate::project::Project;
use crate::report::AnyReport;

/// Prints the engine and the copies.
pub(super) async fn run(invocation: &mut Invocation, args: StatusArgs) -> Result<Exit, AnyReport> {
    let engine = invocation.engine().await?;
    let target = invocation.target(engine.as_ref(), args.target).await?;
    let identity = engine.identity();
    let choice = invocation.engine_choice()?;
    invocation.printer.event(&Event::Engine {
        engine: identity.engine,
        context: identity.context.clone(),
        server: identity.server.clone(),
        baseline: target.baseline.clone(),
        space: target.space.to_string(),
        chosen_by: target.chosen_by.to_string(),
        engine_by: choice.engine.origin.to_string(),
        baseline_by: target.baseline_by.to_string(),
    })?;
    // A folder that is no service's is no reason not to say how the space stands.
    let here = Project::load(Path::new(".")).ok();
    let rows = status(engine.as_ref(), &target, here).await?;
    invocation.printer.table(&table(rows))?;
    Ok(Exit::Ok)
}

/// What the copy holds. That it is what the folder holds is said only where both were compared.
fn held(revision: u64, in_sync: Option<bool>) -> String {
    match in_sync {
        Some(true) => format!("in sync at r{revision}"),
        Some(false) => format!("differs from r{revision}"),
        None => format!("r{revision}"),
    }
}

/// Copies as a table.
pub(super) fn table(rows: Vec<CopyRow>) -> Table {
    let row = |copy: CopyRow| {
        let revision = copy
            .revision
            .map_or_else(|| "-".to_owned(), |revision| held(revision, copy.in_sync));
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
