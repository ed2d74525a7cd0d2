//! What is remembered of each service of the baseline, and where it stands.

use std::sync::Arc;

use devspace_sync::session::{ClientIdentity, Dial, DialError, SessionConfig};
use futures::FutureExt;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Actor;
use crate::daemon::Shared;
use crate::drive::{DriveEvent, Stage, Teller, drive};
use crate::protocol::{ServicePhase, Workspace, WorkspaceService};
use crate::unit::Readiness;
use crate::{reach, toolchain};

/// One service of the baseline. Dropping it leaves the session that brings it up.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    /// Why it is not started at all.
    pub(super) blocked: Option<(ServicePhase, String)>,
    /// What the session that brings it up is at.
    stage: Option<Stage>,
    drive: Option<(u64, DropGuard)>,
    readiness: Readiness,
    was_ready: bool,
    /// It could not be brought to what its folder holds.
    failure: Option<String>,
    /// It ended, or its agent did.
    trouble: Option<String>,
    crashes: u32,
}

// === impl Baseline ===

impl Baseline {
    /// It is to be brought to what its folder holds now. What was of an earlier content is forgotten, so that nobody
    /// takes it for the outcome of this one.
    fn begin(&mut self) {
        // The session of an earlier content is left.
        self.drive = None;
        self.stage = None;
        self.failure = None;
        self.trouble = None;
        self.crashes = 0;
        self.was_ready = false;
    }

    /// The session has ended.
    fn done(&mut self, result: Result<(), String>) {
        self.drive = None;
        self.stage = None;
        // A program that needed no new start has told nothing since.
        self.was_ready |= self.readiness == Readiness::Ready;
        self.failure = result.err();
    }

    /// Whether its build runs, or may before long: then what it fills is half done.
    pub(super) fn may_build(&self) -> bool {
        matches!(self.stage, Some(Stage::Syncing | Stage::Building))
    }

    /// Takes what the agent says of the program.
    pub(super) fn told(&mut self, now: Readiness, trouble: Option<String>) {
        self.readiness = now;
        if let Some(trouble) = trouble {
            self.crashes += 1;
            self.trouble = Some(trouble);
        } else if now == Readiness::Ready {
            self.was_ready = true;
            self.trouble = None;
        }
    }

    pub(super) fn phase(&self) -> ServicePhase {
        if let Some((phase, _)) = &self.blocked {
            return *phase;
        }
        match self.stage {
            Some(Stage::Syncing) => return ServicePhase::Syncing,
            Some(Stage::Building) => return ServicePhase::Building,
            // Until the session says that the new program listens: what the agent said last may be of the old one.
            Some(Stage::Starting) => return ServicePhase::Starting,
            None => {}
        }
        match self.readiness {
            Readiness::Ready | Readiness::Restarting => ServicePhase::Ready,
            Readiness::Down if self.was_ready => ServicePhase::Down,
            Readiness::Down if self.failure.is_some() || self.trouble.is_some() => ServicePhase::Failed,
            Readiness::Down => ServicePhase::Starting,
        }
    }

    pub(super) fn trouble(&self) -> String {
        let blocked = self.blocked.as_ref().map(|(_, why)| why);
        // What the folder's content did is told before what the program did.
        let why = blocked.or(self.failure.as_ref()).or(self.trouble.as_ref());
        why.cloned().unwrap_or_default()
    }

    pub(super) fn crashes(&self) -> u32 {
        self.crashes
    }
}

// === impl Actor ===

impl Actor {
    /// Works by `workspace` from now on.
    pub(super) fn replace(&mut self, workspace: Workspace) {
        self.workspace = workspace;
        if let Some((port, note)) = self.addresses.gateway(self.workspace.port) {
            self.gateway = port;
            self.port_note = note;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let services = self.workspace.services.clone();
        self.baseline
            .retain(|name, _| services.iter().any(|service| service.name == *name));
        for service in services {
            let blocked = blocked(&service, &path);
            let name = service.name.clone();
            let baseline = self.baseline.entry(name.clone()).or_default();
            baseline.begin();
            let is_blocked = blocked.is_some();
            baseline.blocked = blocked;
            if !is_blocked {
                self.start_drive(service);
            }
        }
    }

    /// Takes what the session that brings a service up tells.
    pub(super) fn drive(&mut self, service: &str, number: u64, event: DriveEvent) {
        let ports = self.workspace.services.iter().find(|known| known.name == service);
        let ports = ports.map(|service| service.ports.clone()).unwrap_or_default();
        let Some(baseline) = self.baseline.get_mut(service) else {
            return;
        };
        if baseline
            .drive
            .as_ref()
            .is_none_or(|(current, _)| *current != number)
        {
            return;
        }
        match event {
            DriveEvent::Stage(stage) => {
                baseline.stage = Some(stage);
                baseline.failure = None;
            }
            DriveEvent::Silent => {
                baseline.failure = Some(format!(
                    "the program runs and does not listen where it should: on the port in PORT, which is also \
                     `${{port}}` in `run` and `env` (in the place of {ports:?}). A program with a fixed port of its \
                     own cannot run twice on one machine"
                ));
            }
            DriveEvent::Done(result) => baseline.done(result),
        }
    }

    fn start_drive(&mut self, service: WorkspaceService) {
        self.next += 1;
        let number = self.next;
        let cancel = CancellationToken::new();
        let name = service.name.clone();
        let baseline = self.baseline.entry(name.clone()).or_default();
        baseline.drive = Some((number, cancel.clone().drop_guard()));
        baseline.stage = Some(Stage::Syncing);
        let config = SessionConfig {
            roots: service.roots,
            program: service.program,
            client: ClientIdentity {
                user: self.shared.settings.user.clone(),
                host: "local".to_owned(),
                session_id: uuid::Uuid::now_v7().to_string(),
            },
        };
        let dial = Arc::new(ByName {
            shared: Arc::clone(&self.shared),
            namespace: self.workspace.name.clone(),
            service: name.clone(),
        });
        let teller = Teller {
            service: name,
            number,
            drives: self.drives_tx.clone(),
        };
        self.units.spawn(drive(dial, config, cancel, teller));
    }
}

/// The way to the agent of a service, whichever it is at the time.
struct ByName {
    shared: Arc<Shared>,
    namespace: String,
    service: String,
}

impl Dial for ByName {
    fn dial(
        &self,
    ) -> futures::future::BoxFuture<'_, Result<Box<dyn devspace_sync::session::ByteStream>, DialError>> {
        async {
            let reach = self.shared.reaches.get(&self.namespace, &self.service);
            let reach = reach.ok_or_else(|| DialError::new("its agent is not started yet"))?;
            Dial::dial(&*reach as &reach::Reach).await
        }
        .boxed()
    }
}

/// Why `service` cannot be started here.
fn blocked(service: &WorkspaceService, path: &std::ffi::OsStr) -> Option<(ServicePhase, String)> {
    let roots = service.roots.iter().map(|root| &root.from);
    if let Some(gone) = std::iter::once(&service.folder)
        .chain(roots)
        .find(|folder| !folder.is_dir())
    {
        let why = format!(
            "the folder {} is not there; if it was moved, type `devspace local start` in the new place",
            gone.display()
        );
        return Some((ServicePhase::Failed, why));
    }
    let program = toolchain::missing(service, path)?;
    Some((ServicePhase::Missing, toolchain::trouble(program)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::service;

    #[test]
    fn a_service_goes_from_its_files_to_ready_and_down() {
        let mut baseline = Baseline::default();
        assert_eq!(baseline.phase(), ServicePhase::Starting);
        baseline.stage = Some(Stage::Building);
        assert_eq!(baseline.phase(), ServicePhase::Building);
        baseline.stage = Some(Stage::Starting);
        baseline.told(Readiness::Ready, None);
        assert_eq!(baseline.phase(), ServicePhase::Starting, "the session decides");
        baseline.done(Ok(()));
        assert_eq!(baseline.phase(), ServicePhase::Ready);
        baseline.told(Readiness::Down, Some("boom".to_owned()));
        assert_eq!((baseline.phase(), baseline.crashes()), (ServicePhase::Down, 1));
        assert_eq!(baseline.trouble(), "boom");
        baseline.told(Readiness::Ready, None);
        assert_eq!(
            (baseline.phase(), baseline.trouble()),
            (ServicePhase::Ready, String::new())
        );
    }

    #[test]
    fn another_start_takes_nothing_of_the_last_for_its_own_outcome() {
        let mut baseline = Baseline::default();
        baseline.told(Readiness::Ready, None);
        for _ in 0..3 {
            baseline.told(Readiness::Down, Some("boom".to_owned()));
        }
        baseline.begin();
        baseline.stage = Some(Stage::Starting);
        assert_eq!((baseline.trouble(), baseline.crashes()), (String::new(), 0));
        // The session may be done before the agent's word of the new program has come.
        baseline.done(Ok(()));
        assert_eq!(baseline.phase(), ServicePhase::Starting);
        baseline.told(Readiness::Ready, None);
        assert_eq!(baseline.phase(), ServicePhase::Ready);
        // The old program is ready still as the new one starts.
        baseline.begin();
        baseline.stage = Some(Stage::Starting);
        assert_eq!(baseline.phase(), ServicePhase::Starting);
        // Nothing had to be started: the agent says nothing, and a crash is one of a program that was ready.
        baseline.done(Ok(()));
        assert_eq!(baseline.phase(), ServicePhase::Ready);
        baseline.told(Readiness::Down, Some("boom".to_owned()));
        assert_eq!(baseline.phase(), ServicePhase::Down);
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = service("a");
        let (phase, why) = blocked(&here, "/bin".as_ref()).unwrap();
        assert_eq!(phase, ServicePhase::Failed);
        assert!(
            why.contains("/home/ada/a") && why.contains("devspace local start"),
            "{why}"
        );
        here.folder = folder.path().to_owned();
        here.program.run = vec!["no-such-program".to_owned()];
        let (phase, why) = blocked(&here, "/bin".as_ref()).unwrap();
        assert_eq!(phase, ServicePhase::Missing);
        assert!(why.starts_with("`no-such-program` is not in PATH"), "{why}");
        here.program.run = vec!["sh".to_owned()];
        assert_eq!(blocked(&here, "/bin".as_ref()), None);
        here.program.run = vec!["/src/target/debug/a".to_owned()];
        assert_eq!(blocked(&here, "/bin".as_ref()), None, "it comes out of the build");
    }
}
