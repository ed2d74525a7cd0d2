//! `devspace list`.

use jiff::Timestamp;

use super::Invocation;
use crate::args::ListArgs;
use crate::event::{Event, SpaceRow};
use crate::exit::Exit;
use crate::ops::list::list;
use crate::ops::target::find_baseline;
use crate::printer::{Row, Table};
use crate::report::AnyReport;
use crate::settings::UserFile;

/// Prints the spaces.
pub(super) async fn run(invocation: &mut Invocation, args: ListArgs) -> Result<Exit, AnyReport> {
    let engine = invocation.engine().await?;
    let baseline = find_baseline(
        engine.as_ref(),
        &UserFile::load()?,
        invocation.baseline(args.baseline),
    )
    .await?;
    let user = if args.all {
        None
    } else {
        Some(engine.user().await?)
    };
    let rows = list(
        engine.as_ref(),
        &baseline.value,
        user.as_deref(),
        Timestamp::now(),
    )
    .await?;
    invocation.printer.table(&table(rows))?;
    Ok(Exit::Ok)
}

/// Spaces as a table.
pub(super) fn table(rows: Vec<SpaceRow>) -> Table {
    let row = |space: SpaceRow| {
        let services = match &space.services {
            Some(services) if services.is_empty() => "-".to_owned(),
            Some(services) => services.join(","),
            None => "?".to_owned(),
        };
        let cells = vec![
            space.space.clone(),
            space.owner.clone(),
            space.parent.clone().unwrap_or_else(|| "-".to_owned()),
            services,
            space.age.clone(),
            space.url.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        Row {
            cells,
            event: Event::SpaceInfo(space),
        }
    };
    let columns = vec!["SPACE", "OWNER", "PARENT", "SERVICES", "AGE", "URL"];
    Table {
        columns,
        rows: rows.into_iter().map(row).collect(),
    }
}
