//! `devspace logs`: what a copy's program wrote.

use futures::TryStreamExt;
use tokio::sync::mpsc;

use crate::engine::{CopyRef, Engine, EngineError, LogQuery};
use crate::event::Event;

/// Between looks for the next pod, once one ended.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Tells the lines of the copy's log. With `follow` it goes on with the next pod when one ends, until dropped.
///
/// # Errors
/// [`EngineError`]; a copy without a pod is none while following, once there was one.
pub(crate) async fn logs(
    engine: &dyn Engine,
    copy: &CopyRef,
    query: LogQuery,
    event_tx: &mpsc::Sender<Event>,
) -> Result<(), EngineError> {
    let mut log = engine.logs(copy, query).await?;
    loop {
        let mut lines = log.lines;
        // A broken stream is the end of a container or of the API server; both come back.
        while let Some(line) = lines
            .try_next()
            .await
            .or_else(|error| if query.follow { Ok(None) } else { Err(error) })?
        {
            drop(
                event_tx
                    .send(Event::Log {
                        service: copy.service.clone(),
                        line,
                    })
                    .await,
            );
        }
        if !query.follow {
            return Ok(());
        }
        // A log that is kept over pods has told its past.
        let tail = log.pod.is_none().then_some(0);
        log = loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            match engine.logs(copy, LogQuery { follow: true, tail }).await {
                // The same pod with the same container gives its past again; only a new one has anything to say.
                Ok(next) if next.pod.is_none() || next.pod != log.pod => break next,
                Ok(_) => {}
                Err(error) if comes_back(&error) => {}
                Err(error) => return Err(error),
            }
        };
    }
}

/// Whether the log may go on a moment later: the copy, its engine or the way there is being started again.
const fn comes_back(error: &EngineError) -> bool {
    error.may_come()
        || matches!(
            error,
            EngineError::Denied { .. }
                | EngineError::Unreachable { .. }
                | EngineError::NotRunning
                | EngineError::Daemon { .. }
        )
}
