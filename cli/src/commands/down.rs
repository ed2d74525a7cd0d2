//! `devspace down`.

use tokio::sync::mpsc;

use super::Invocation;
use super::pump::pump;
use super::up::service_or_project;
use crate::args::DownArgs;
use crate::exit::Exit;
use crate::ops::down::{Which, down};
use crate::report::AnyReport;

/// Removes copies.
pub(super) async fn run(invocation: &mut Invocation, args: DownArgs) -> Result<Exit, AnyReport> {
    let which = match (args.all, args.services) {
        (true, _) => Which::All,
        (false, services) if services.is_empty() => Which::Services(vec![service_or_project(None)?]),
        (false, services) => Which::Services(services),
    };
    let engine = invocation.engine().await?;
    let target = invocation.target(engine.as_ref(), args.target).await?;
    let (event_tx, event_rx) = mpsc::channel(16);
    let work = async move { down(engine.as_ref(), &target, which, args.timeout, &event_tx).await };
    pump(&mut invocation.printer, work, event_rx, None).await?;
    Ok(Exit::Ok)
}
