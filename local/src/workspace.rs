//! One workspace: an actor that compares what is wanted with what is, after everything that happens.

mod baseline;
mod folders;
mod reconcile;
mod specs;

use std::collections::BTreeMap;
use std::sync::Arc;

use devspace_api::copy::CopyPod;
use devspace_core::table::RouteTable;
use devspace_data_plane::StartError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::address::Addresses;
use crate::daemon::Shared;
use crate::drive::DriveEvent;
use crate::plan::{UnitKey, UnitSpec};
use crate::protocol::{Workspace, WorkspaceState};
use crate::unit::{Events, Readiness, UnitEvent};

use baseline::Baseline;

/// Messages that may wait for the actor.
const MESSAGES: usize = 16;
/// What units and drives may tell before they wait.
const EVENTS: usize = 256;

/// What the actor is asked.
#[derive(Debug)]
pub(crate) enum Message {
    /// Work by this workspace, and bring its services to what their folders hold.
    Replace(Box<Workspace>, oneshot::Sender<WorkspaceState>),
    /// End everything and remove all that was kept.
    Remove(oneshot::Sender<()>),
    /// End everything; it comes back at the next start.
    Stop,
}

/// A unit that runs.
#[derive(Debug)]
struct Running {
    spec: UnitSpec,
    number: u64,
    stop: CancellationToken,
    stopping: bool,
    readiness: Readiness,
    /// As a cluster would tell of its pod. Another agent is another pod.
    pod: CopyPod,
}

/// The actor.
struct Actor {
    shared: Arc<Shared>,
    workspace: Workspace,
    addresses: Addresses,
    gateway: u16,
    port_note: Option<String>,
    baseline: BTreeMap<String, Baseline>,
    running: BTreeMap<UnitKey, Running>,
    units: JoinSet<()>,
    /// Counts units and drives, so that what an earlier one tells is told apart.
    next: u64,
    events_tx: Events,
    drives_tx: mpsc::Sender<(String, u64, DriveEvent)>,
    published: RouteTable,
    /// Why the last statuses were not kept.
    not_kept: Option<String>,
    /// Folders may be there that nothing needs.
    sweep: bool,
    state_tx: watch::Sender<WorkspaceState>,
}

/// A workspace's actor: where it takes messages, what it tells, and the future that is it.
pub(crate) type Started<F> = (mpsc::Sender<Message>, watch::Receiver<WorkspaceState>, F);

/// Starts the actor of `workspace`, which runs nothing before the first [`Message::Replace`].
pub(crate) fn start(
    shared: Arc<Shared>,
    workspace: &Workspace,
) -> Result<Started<impl Future<Output = ()> + Send + use<>>, StartError> {
    let folder = shared.home.workspace(&workspace.name);
    let addresses = Addresses::start(folder.join("ports.json"))?;
    let (message_tx, message_rx) = mpsc::channel(MESSAGES);
    let (events_tx, events_rx) = mpsc::channel(EVENTS);
    let (drives_tx, drives_rx) = mpsc::channel(EVENTS);
    let empty = Workspace {
        services: Vec::new(),
        ..workspace.clone()
    };
    let (state_tx, state_rx) = watch::channel(WorkspaceState {
        name: empty.name.clone(),
        file: empty.file.clone(),
        url: String::new(),
        port_note: None,
        services: Vec::new(),
    });
    let actor = Actor {
        shared,
        workspace: empty,
        addresses,
        gateway: 0,
        port_note: None,
        baseline: BTreeMap::new(),
        running: BTreeMap::new(),
        units: JoinSet::new(),
        next: 0,
        events_tx,
        drives_tx,
        published: RouteTable::default(),
        not_kept: None,
        sweep: true,
        state_tx,
    };
    Ok((message_tx, state_rx, actor.run(message_rx, events_rx, drives_rx)))
}

// === impl Actor ===

impl Actor {
    async fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut events: mpsc::Receiver<(UnitKey, u64, UnitEvent)>,
        mut drives: mpsc::Receiver<(String, u64, DriveEvent)>,
    ) {
        let mut changes = self.shared.store.changes();
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(Message::Replace(workspace, answer)) => {
                        self.replace(*workspace);
                        self.reconcile();
                        // The asker may be gone; the workspace is what it asked for.
                        let _ = answer.send(self.state_tx.borrow().clone());
                        continue;
                    }
                    Some(Message::Remove(done)) => {
                        self.end(&mut events, &mut drives).await;
                        self.remove();
                        let _ = done.send(());
                        return;
                    }
                    Some(Message::Stop) | None => return self.end(&mut events, &mut drives).await,
                },
                Some((key, number, event)) = events.recv() => self.unit(&key, number, event),
                Some((service, number, event)) = drives.recv() => self.drive(&service, number, event),
                Ok(()) = changes.changed() => {
                    changes.borrow_and_update();
                    self.sweep = true;
                }
                Some(ended) = self.units.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a unit did not end well");
                    }
                    continue;
                }
            }
            self.reconcile();
        }
    }

    fn unit(&mut self, key: &UnitKey, number: u64, event: UnitEvent) {
        let Some(running) = self
            .running
            .get_mut(key)
            .filter(|running| running.number == number)
        else {
            return;
        };
        match event {
            UnitEvent::Started => {
                running.readiness = Readiness::Down;
                running.pod.name = next_pod(&running.pod.name, &key.service);
                running.pod.uid = uuid::Uuid::now_v7().to_string();
            }
            UnitEvent::Readiness { now, exit } => {
                let exit = exit.filter(|_| !running.stopping);
                running.readiness = now;
                if let Some(exit) = &exit {
                    running.pod.trouble.clone_from(exit);
                } else if now == Readiness::Ready {
                    running.pod.trouble.clear();
                }
                if key.space.is_none()
                    && let Some(baseline) = self.baseline.get_mut(&key.service)
                {
                    baseline.told(now, exit);
                }
            }
            UnitEvent::Died(reason) => {
                running.readiness = Readiness::Down;
                running.pod.trouble.clone_from(&reason);
                if key.space.is_none()
                    && let Some(baseline) = self.baseline.get_mut(&key.service)
                {
                    baseline.told(Readiness::Down, Some(reason));
                }
            }
            UnitEvent::Ended => {
                self.running.remove(key);
                let namespace = self.namespace(key);
                self.shared.reaches.set(&namespace, &key.service, None);
                self.sweep = true;
            }
        }
    }

    /// Ends all units and waits for them.
    async fn end(
        &mut self,
        events: &mut mpsc::Receiver<(UnitKey, u64, UnitEvent)>,
        drives: &mut mpsc::Receiver<(String, u64, DriveEvent)>,
    ) {
        self.baseline.clear();
        for running in self.running.values_mut() {
            running.stopping = true;
            running.stop.cancel();
        }
        // Their last words are taken, so that none waits for us.
        while !self.units.is_empty() {
            tokio::select! {
                _ = self.units.join_next() => {}
                Some((key, number, event)) = events.recv() => self.unit(&key, number, event),
                Some(_) = drives.recv() => {}
            }
        }
    }
}

/// `package-3` after `package-2`.
fn next_pod(before: &str, service: &str) -> String {
    let number = before
        .rsplit_once('-')
        .and_then(|(_, number)| number.parse::<u64>().ok());
    format!("{service}-{}", number.unwrap_or_default() + 1)
}
