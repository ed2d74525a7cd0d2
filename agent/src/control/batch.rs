//! Takes a batch: stage, end a running build, apply, tell the supervisor.

use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;

use devspace_sync::frames::FrameError;
use devspace_sync::protocol::{Committed, Problem};
use devspace_sync::store::{Applied, ApplyError, StageError, Staged, Store, stage};
use devspace_sync::wire::Body;
use futures::TryStreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream};
use hyper::body::Incoming;
use tokio::sync::OwnedMutexGuard;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::Control;
use super::answer::{self, Refusal, chain};
use crate::supervisor::Command;

/// A batch up to this size is collected before it is read: fewer hand-overs between threads for a lone save.
const COLLECTED: u64 = 256 * 1024;

// === impl Control ===

impl Control {
    pub(super) async fn batch(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(&request)?;
        let staged = self.stage(request).await?;
        // No build may see half a batch. It starts again with all of it.
        self.supervisor
            .ask(Command::Pause)
            .await
            .map_err(Refusal::failed)?;
        let store = Arc::clone(&self.store).lock_owned().await;
        let (store, applied) = apply(store, staged).await?;
        let Some(config) = self.wanted_config() else {
            return Err(Refusal::refused("the session has not said hello"));
        };
        let places = applied.as_ref().map_or(&[][..], |applied| &applied.places);
        // Also when the batch did not fit: a build that was ended for it must go on.
        self.activate(config, &store, places).await?;
        drop(store);
        let applied = applied.map_err(of_apply)?;
        answer::json(&Committed {
            revision: applied.revision,
            root: applied.root,
            refused: applied.refused,
        })
    }

    async fn stage(&self, request: Request<Incoming>) -> Result<Staged, Refusal> {
        let is_packed = request
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding == "zstd");
        let length = request
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let (folder, targets) = (self.stage_folder.clone(), self.targets.clone());
        let input: Box<dyn Read + Send> = if length.is_some_and(|length| length <= COLLECTED) {
            let body = request.into_body().collect().await;
            Box::new(Cursor::new(body.map_err(|error| torn(chain(&error)))?.to_bytes()))
        } else {
            let parts = TryStreamExt::map_err(BodyStream::new(request.into_body()), std::io::Error::other);
            let bytes = parts.try_filter_map(|frame| async { Ok(frame.into_data().ok()) });
            Box::new(SyncIoBridge::new(StreamReader::new(Box::pin(bytes))))
        };
        let staging = tokio::task::spawn_blocking(move || {
            if is_packed {
                let mut input = zstd::Decoder::new(input).map_err(StageError::Write)?;
                stage(&mut input, &folder, &targets)
            } else {
                stage(&mut BufReader::new(input), &folder, &targets)
            }
        });
        staging
            .await
            .map_err(Refusal::failed)?
            .map_err(|error| of_stage(&error))
    }
}

type Outcome = (OwnedMutexGuard<Store>, Result<Applied, ApplyError>);

async fn apply(mut store: OwnedMutexGuard<Store>, staged: Staged) -> Result<Outcome, Refusal> {
    let applying = tokio::task::spawn_blocking(move || {
        let applied = store.apply(&staged);
        (store, applied)
    });
    applying.await.map_err(Refusal::failed)
}

fn of_apply(error: ApplyError) -> Refusal {
    match error {
        ApplyError::Base { found, .. } => Refusal::new(StatusCode::CONFLICT, Problem::Base { found }),
        ApplyError::State(_) => Refusal::failed(error),
    }
}

fn of_stage(error: &StageError) -> Refusal {
    match error {
        StageError::Torn(_) | StageError::Frame(FrameError::Cut(_)) => torn(chain(error)),
        StageError::Write(_) => Refusal::new(
            StatusCode::INSUFFICIENT_STORAGE,
            Problem::Failed {
                message: chain(error),
            },
        ),
        StageError::Frame(_)
        | StageError::UnknownRoot(_)
        | StageError::LinkOutside { .. }
        | StageError::Count { .. } => Refusal::refused(chain(error)),
    }
}

fn torn(message: String) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, Problem::Torn { message })
}
