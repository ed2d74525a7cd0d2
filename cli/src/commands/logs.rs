//! `devspace logs`.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Invocation;
use super::pump::pump;
use super::up::service_or_project;
use crate::args::{CopyArgs, LogsArgs};
use crate::engine::{CopyRef, Engine, EngineError, LogQuery};
use crate::exit::Exit;
use crate::ops::logs::logs;
use crate::ops::{copies, spaces};
use crate::report::AnyReport;

/// Prints the log. Ctrl-c ends following, and that is no failure.
pub(super) async fn run(invocation: &mut Invocation, args: LogsArgs) -> Result<Exit, AnyReport> {
    let (engine, copy) = copy(invocation, args.copy).await?;
    let query = LogQuery {
        follow: args.follow,
        tail: args.tail,
    };
    let (event_tx, event_rx) = mpsc::channel(256);
    let cancel = CancellationToken::new();
    let ended = cancel.clone();
    let work = async move {
        ended
            .run_until_cancelled(logs(engine.as_ref(), &copy, query, &event_tx))
            .await
            .unwrap_or(Ok::<(), EngineError>(()))
    };
    pump(&mut invocation.printer, Box::pin(work), event_rx, Some(cancel)).await?;
    Ok(Exit::Ok)
}

/// The copy that the arguments name.
pub(super) async fn copy(
    invocation: &mut Invocation,
    args: CopyArgs,
) -> Result<(Arc<dyn Engine>, CopyRef), AnyReport> {
    let service = service_or_project(args.service)?;
    let engine = invocation.engine().await?;
    let target = invocation.target(engine.as_ref(), args.target).await?;
    let space = spaces::existing(engine.as_ref(), &target.at()).await?;
    let found = copies::reference(&space, &service);
    let missing = || EngineError::NoPod {
        service,
        space: target.space.to_string(),
    };
    Ok((engine, found.ok_or_else(missing)?))
}
