//! `devspace up`: folders into a space.
//!
//! [`step`] decides, purely; [`drive`] feeds it what the cluster, the agent and the clock say, and does what it asks.
//! This file puts the services of one call together.

use std::sync::Arc;
use std::time::Duration;

use devspace_api::{Baseline, ServiceCopy};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::{At, CopyRef, Engine};
use crate::event::Event;
use crate::ops::spaces::{self, SpaceReady, SpaceRequest};
use crate::ops::target::Target;

mod baseline;
mod drive;
mod error;
pub(crate) mod spec;
mod step;
pub(crate) mod tunnel;

pub(crate) use baseline::check_service;
pub(crate) use error::{UpError, word as error_word};

use drive::Milestone;

/// What is put into the space: a folder, or an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CopyRequest {
    /// The service.
    pub(crate) service: String,
    /// The object to write.
    pub(crate) object: ServiceCopy,
    /// What the agent is asked to do. Unset for a copy without the agent.
    pub(crate) session: Option<devspace_sync::session::SessionConfig>,
    /// Port of a debugger to make reachable here.
    pub(crate) debug: Option<u16>,
}

/// All that `up` needs.
#[derive(Debug, Clone)]
pub(crate) struct UpRequest {
    /// Where to.
    pub(crate) target: Target,
    /// What.
    pub(crate) copies: Vec<CopyRequest>,
    /// Follow the folders once everything is up.
    pub(crate) stay: bool,
    /// How long everything up to the first request may take.
    pub(crate) timeout: Duration,
}

/// Brings the copies up, and with `stay` follows the folders until `cancel` fires.
/// Everything that happens is told on `event_tx`. The copies run on, however this ends.
///
/// # Errors
/// [`UpError`] for the first thing that stops a copy. With several services the others are left running.
pub(crate) async fn up(
    engine: Arc<dyn Engine>,
    request: UpRequest,
    event_tx: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Result<(), UpError> {
    let started = Instant::now();
    let deadline = started + request.timeout;
    let services: Vec<String> = request.copies.iter().map(|copy| copy.service.clone()).collect();
    let prepared = async {
        check_baseline(engine.as_ref(), &request).await?;
        let wanted = SpaceRequest::for_use(&request.target);
        Ok::<_, UpError>(spaces::ensure(engine.as_ref(), &wanted).await?)
    };
    let space = tokio::select! {
        prepared = prepared => prepared?,
        () = cancel.cancelled() => return Ok(()),
        () = tokio::time::sleep_until(deadline) => {
            return Err(UpError::TimedOut { service: services.join(", "), waited_for: "its space".to_owned(), troubles: Vec::new() });
        }
    };
    let seconds = started.elapsed().into();
    tell(&event_tx, space_event(&request.target, &space, seconds)).await;
    let run = Run {
        engine,
        target: request.target,
        space,
        stay: request.stay,
        deadline,
        event_tx,
        cancel,
    };
    run.all(request.copies, services).await
}

/// Refuses services that the baseline does not have, or whose traffic does not pass the router.
async fn check_baseline(engine: &dyn Engine, request: &UpRequest) -> Result<(), UpError> {
    let found = engine.baselines().list(&request.target.baseline).await?;
    let baseline: Option<&Baseline> = found.first();
    let Some(baseline) = baseline else {
        return Err(UpError::NoBaseline {
            baseline: request.target.baseline.clone(),
        });
    };
    request
        .copies
        .iter()
        .try_for_each(|copy| check_service(baseline, &request.target.baseline, &copy.service))
}

fn space_event(target: &Target, space: &SpaceReady, seconds: crate::event::Seconds) -> Event {
    Event::Space {
        space: target.space.to_string(),
        baseline: target.baseline.clone(),
        namespace: space.namespace.clone(),
        created: space.created,
        chosen_by: target.chosen_by.to_string(),
        seconds,
    }
}

/// What all services of one call share.
struct Run {
    engine: Arc<dyn Engine>,
    target: Target,
    space: SpaceReady,
    stay: bool,
    deadline: Instant,
    event_tx: mpsc::Sender<Event>,
    cancel: CancellationToken,
}

impl Run {
    async fn all(self, copies: Vec<CopyRequest>, services: Vec<String>) -> Result<(), UpError> {
        let many = copies.len();
        // A service tells each milestone once, so the channel never fills.
        let (milestone_tx, mut milestone_rx) = mpsc::channel(many * 2);
        let mut drivers = JoinSet::new();
        // Drivers end with this token or with the run itself: a JoinSet that is dropped ends its tasks.
        let stop = self.cancel.child_token();
        for copy in copies {
            let context = self.context(&copy, milestone_tx.clone(), stop.clone());
            drivers.spawn(drive::drive(context, copy));
        }
        drop(milestone_tx);
        let mut waiting = many;
        let mut entrance = None;
        loop {
            tokio::select! {
                Some(milestone) = milestone_rx.recv() => {
                    let Milestone::Up { tunnels } = milestone;
                    waiting -= 1;
                    if let (None, Some(tunnels)) = (&entrance, tunnels) {
                        entrance = Some(self.open(tunnels).await);
                    }
                    if waiting == 0 && self.stay {
                        self.tell_url().await;
                        if let Some(opened) = &entrance {
                            self.tell_tunnel(opened).await;
                        }
                        tell(&self.event_tx, Event::Watching).await;
                    }
                }
                Some(ended) = drivers.join_next() => ended??,
                else => break,
            }
        }
        if self.cancel.is_cancelled() {
            tell(&self.event_tx, Event::Detached { services }).await;
        } else if !self.stay {
            self.tell_url().await;
        }
        Ok(())
    }

    fn context(
        &self,
        copy: &CopyRequest,
        milestone_tx: mpsc::Sender<Milestone>,
        stop: CancellationToken,
    ) -> drive::Context {
        drive::Context {
            engine: Arc::clone(&self.engine),
            copy: CopyRef {
                baseline: self.target.baseline.clone(),
                space: self.target.space.to_string(),
                service: copy.service.clone(),
                namespace: self.space.namespace.clone(),
            },
            at: At {
                namespace: self.space.namespace.clone(),
                name: copy.service.clone(),
            },
            new_space: self.space.created,
            stay: self.stay,
            deadline: self.deadline,
            event_tx: self.event_tx.clone(),
            milestone_tx,
            cancel: stop,
        }
    }

    /// Opens the two local addresses. That they cannot be opened is no reason to stop.
    async fn open(&self, tunnels: devspace_sync::session::Tunnel) -> Option<tunnel::Entrance> {
        match tunnel::Entrance::open(&self.target.baseline, self.target.space.as_str(), tunnels).await {
            Ok(entrance) => Some(entrance),
            Err(error) => {
                let message = format!("no local address for the space: {error}");
                tell(
                    &self.event_tx,
                    Event::Warning {
                        service: None,
                        message,
                    },
                )
                .await;
                None
            }
        }
    }

    async fn tell_url(&self) {
        for url in self.space.urls.iter().take(1) {
            tell(
                &self.event_tx,
                Event::Url {
                    space: self.target.space.to_string(),
                    url: url.clone(),
                },
            )
            .await;
        }
    }

    async fn tell_tunnel(&self, entrance: &Option<tunnel::Entrance>) {
        if let Some(entrance) = entrance {
            let space = self.target.space.to_string();
            let (browser, address) = (entrance.browser.clone(), entrance.address.clone());
            tell(
                &self.event_tx,
                Event::Tunnel {
                    space,
                    browser,
                    address,
                },
            )
            .await;
        }
    }
}

/// Tells an event. A reader that is gone ends the whole run by its own means.
async fn tell(event_tx: &mpsc::Sender<Event>, event: Event) {
    drop(event_tx.send(event).await);
}
