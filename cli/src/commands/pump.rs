//! Runs an operation and prints what it tells, until both are done.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::printer::Printer;
use crate::report::{AnyReport, Report};

/// Runs `work` to its end and prints its events. Ctrl-c and SIGTERM fire `cancel`, which `work` must heed; without one they
/// end the process as usual. If nothing more can be printed, `work` is dropped.
///
/// # Errors
/// What `work` ends with, or that nothing more can be printed.
pub(super) async fn pump<T, E: Report + 'static>(
    printer: &mut Printer,
    work: impl Future<Output = Result<T, E>>,
    mut event_rx: mpsc::Receiver<Event>,
    cancel: Option<CancellationToken>,
) -> Result<T, AnyReport> {
    let mut work = std::pin::pin!(work);
    let mut left = std::pin::pin!(leave(cancel));
    let result = loop {
        tokio::select! {
            biased;
            () = &mut left => {}
            Some(event) = event_rx.recv() => printer.event(&event)?,
            result = &mut work => break result,
        }
    };
    // What was told before the end is printed before the end.
    event_rx.close();
    while let Some(event) = event_rx.recv().await {
        printer.event(&event)?;
    }
    Ok(result?)
}

/// Fires `cancel` on ctrl-c or SIGTERM. Ends never: the work says when it is done.
async fn leave(cancel: Option<CancellationToken>) {
    if let Some(cancel) = cancel {
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminated) => drop(terminated.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => drop(pressed),
            () = terminated => {}
        }
        cancel.cancel();
    }
    std::future::pending().await
}
