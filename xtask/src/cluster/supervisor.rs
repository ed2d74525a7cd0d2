//! Keeps the components running: one thread owns their state, hears which processes ended and what is asked of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::components::{Component, Stage};
use super::control::ComponentState;
use crate::process::command;

/// How long a component that ended by itself stays down. A restart that was asked for does not wait.
const PAUSE_BEFORE_RESTART: Duration = Duration::from_secs(1);
/// How long the supervisor waits when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What the supervisor hears.
pub(crate) enum Event {
    /// A process of this namespace has ended; it may be one of ours or an orphan.
    Ended { pid: i32, how: String },
    /// Something is asked. The answer is sent when it is done.
    Asked {
        order: Order,
        answer: SyncSender<Result<Vec<ComponentState>, String>>,
    },
}

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Status,
    Started,
    Kill(String),
    Start(String),
    Restart(String),
}

type Answer = SyncSender<Result<Vec<ComponentState>, String>>;

struct Kept {
    component: Component,
    pid: Option<Pid>,
    starts: u32,
    last_exit: Option<String>,
    /// When to start it, while it is down and wanted.
    due: Option<Instant>,
    /// Who waits for its end, and whether it starts again then.
    ending: Vec<(Answer, bool)>,
}

/// Whether the components of the second stage were started.
enum Gate {
    Closed,
    Open,
    Failed(String),
}

/// Owns the components.
pub(crate) struct Supervisor {
    kept: BTreeMap<&'static str, Kept>,
    order: Vec<&'static str>,
    logs: PathBuf,
    gate: Gate,
    waiting_for_gate: Vec<Answer>,
    spawned: SyncSender<()>,
}

impl Supervisor {
    /// A supervisor of these components, none of which runs yet. It sends on `spawned` after each start, so that who
    /// reaps processes knows that there is one.
    pub(crate) fn new(components: Vec<Component>, logs: PathBuf, spawned: SyncSender<()>) -> Self {
        let order = components.iter().map(|component| component.name).collect();
        let kept = components.into_iter().map(|component| {
            let name = component.name;
            (
                name,
                Kept {
                    component,
                    pid: None,
                    starts: 0,
                    last_exit: None,
                    due: None,
                    ending: Vec::new(),
                },
            )
        });
        Self {
            kept: kept.collect(),
            order,
            logs,
            gate: Gate::Closed,
            waiting_for_gate: Vec::new(),
            spawned,
        }
    }

    /// Starts the first stage and the gate, then serves events until nobody can send any more.
    pub(crate) fn run(mut self, events: &Receiver<Event>) {
        self.start_stage(|stage| stage != Stage::Second);
        loop {
            let wait = self
                .next_due()
                .map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
            match events.recv_timeout(wait) {
                Ok(Event::Ended { pid, how }) => self.ended(pid, &how),
                Ok(Event::Asked { order, answer }) => self.asked(order, answer),
                Err(RecvTimeoutError::Timeout) => self.start_due(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn start_stage(&mut self, wanted: impl Fn(Stage) -> bool) {
        for name in self.order.clone() {
            if self
                .kept
                .get(name)
                .is_some_and(|kept| wanted(kept.component.stage))
            {
                self.start(name);
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.kept.values().filter_map(|kept| kept.due).min()
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        let due = |kept: &&Kept| kept.due.is_some_and(|due| due <= now);
        let names: Vec<_> = self
            .kept
            .values()
            .filter(due)
            .map(|kept| kept.component.name)
            .collect();
        for name in names {
            self.start(name);
        }
    }

    /// Starts a component that is down. One that cannot be started is tried again after a pause.
    fn start(&mut self, name: &str) {
        let Some(kept) = self.kept.get_mut(name).filter(|kept| kept.pid.is_none()) else {
            return;
        };
        kept.due = None;
        kept.starts += 1;
        match spawn(&kept.component, &self.logs) {
            Ok(pid) => {
                kept.pid = Some(pid);
                // A full channel means that the reaper already has a reason to look.
                let _ = self.spawned.try_send(());
            }
            Err(error) => {
                kept.last_exit = Some(format!("{error:#}"));
                kept.due = Some(Instant::now() + PAUSE_BEFORE_RESTART);
            }
        }
    }

    fn ended(&mut self, pid: i32, how: &str) {
        let ours = |kept: &&mut Kept| kept.pid.is_some_and(|known| known.as_raw_nonzero().get() == pid);
        let Some(kept) = self.kept.values_mut().find(ours) else {
            return;
        };
        kept.pid = None;
        kept.last_exit = Some(how.to_owned());
        let name = kept.component.name;
        if kept.component.stage == Stage::Gate {
            return self.gate_ended(how);
        }
        let ending = std::mem::take(&mut kept.ending);
        if ending.is_empty() {
            kept.due = Some(Instant::now() + PAUSE_BEFORE_RESTART);
        } else if ending.iter().any(|(_, again)| *again) {
            self.start(name);
        }
        for (answer, _) in ending {
            self.answer(&answer, Ok(()));
        }
    }

    fn gate_ended(&mut self, how: &str) {
        if how == EXITED_WELL {
            self.gate = Gate::Open;
            self.start_stage(|stage| stage == Stage::Second);
        } else {
            self.gate = Gate::Failed(format!(
                "the API server or containerd did not become ready ({how}); read the logs in {}",
                self.logs.display()
            ));
        }
        for answer in std::mem::take(&mut self.waiting_for_gate) {
            self.answer_started(answer);
        }
    }

    fn answer_started(&mut self, answer: Answer) {
        match &self.gate {
            Gate::Closed => self.waiting_for_gate.push(answer),
            Gate::Open => self.answer(&answer, Ok(())),
            Gate::Failed(reason) => self.answer(&answer, Err(reason.clone())),
        }
    }

    fn asked(&mut self, order: Order, answer: Answer) {
        match order {
            Order::Status => self.answer(&answer, Ok(())),
            Order::Started => self.answer_started(answer),
            Order::Kill(name) => self.end(&name, answer, false),
            Order::Restart(name) => self.end(&name, answer, true),
            Order::Start(name) => {
                let known = self.known(&name);
                if known.is_ok() {
                    self.start(&name);
                }
                self.answer(&answer, known);
            }
        }
    }

    /// Ends a component, and starts it again where that is asked. Answers when that is done.
    fn end(&mut self, name: &str, answer: Answer, again: bool) {
        if let Err(reason) = self.known(name) {
            return self.answer(&answer, Err(reason));
        }
        let Some(kept) = self.kept.get_mut(name) else {
            return;
        };
        kept.due = None;
        if let Some(pid) = kept.pid {
            kept.ending.push((answer, again));
            // It can only fail when the process has just ended, of which the reaper then tells.
            let _ = kill_process(pid, Signal::KILL);
            return;
        }
        if again {
            self.start(name);
        }
        self.answer(&answer, Ok(()));
    }

    fn known(&self, name: &str) -> Result<(), String> {
        match self.kept.get(name) {
            Some(kept) if kept.component.stage != Stage::Gate => Ok(()),
            _ => Err(format!(
                "there is no component {name:?}; there are {}",
                self.names()
            )),
        }
    }

    fn names(&self) -> String {
        let kept = self.order.iter().filter_map(|name| self.kept.get(name));
        let names: Vec<_> = kept
            .filter(|kept| kept.component.stage != Stage::Gate)
            .map(|kept| kept.component.name)
            .collect();
        names.join(", ")
    }

    fn answer(&self, answer: &Answer, result: Result<(), String>) {
        let states = self.order.iter().filter_map(|name| self.kept.get(name));
        let states = states
            .filter(|kept| kept.component.stage != Stage::Gate)
            .map(|kept| ComponentState {
                name: kept.component.name.to_owned(),
                pid: kept.pid.map(|pid| pid.as_raw_nonzero().get()),
                starts: kept.starts,
                last_exit: kept.last_exit.clone(),
            });
        // Who asked may have gone.
        let _ = answer.send(result.map(|()| states.collect()));
    }
}

/// How a process is said to have ended that ended with exit status 0.
pub(crate) const EXITED_WELL: &str = "exit status 0";

/// Starts the component in a process group of its own; its output is appended to its log.
fn spawn(component: &Component, logs: &Path) -> Result<Pid> {
    let path = logs.join(format!("{}.log", component.name));
    let log = File::options().create(true).append(true).open(&path);
    let log = log.with_context(|| format!("cannot open {}", path.display()))?;
    let errors = log.try_clone().context("cannot share a log")?;
    // The reaper may collect a child whose exec failed before the standard library does: look first.
    std::fs::metadata(&component.program)
        .with_context(|| format!("there is no {}", component.program.display()))?;
    let mut program = command(&component.program, &component.arguments);
    program.stdin(Stdio::null()).stdout(log).stderr(errors);
    let child = program
        .spawn()
        .with_context(|| format!("cannot start {}", component.program.display()))?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .context("the process id is out of range")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use super::*;

    fn shell(name: &'static str, stage: Stage, script: &str) -> Component {
        Component {
            name,
            stage,
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
        }
    }

    struct Running {
        events: SyncSender<Event>,
        _logs: tempfile::TempDir,
    }

    impl Running {
        fn new(components: Vec<Component>) -> Self {
            let logs = tempfile::tempdir().unwrap();
            let (events, heard) = sync_channel(16);
            let (spawned, _) = sync_channel(1);
            let supervisor = Supervisor::new(components, logs.path().to_owned(), spawned);
            thread::spawn(move || supervisor.run(&heard));
            Self { events, _logs: logs }
        }

        fn ask(&self, order: Order) -> Result<Vec<ComponentState>, String> {
            let (answer, answered) = sync_channel(1);
            self.events.send(Event::Asked { order, answer }).unwrap();
            answered.recv_timeout(Duration::from_secs(20)).unwrap()
        }

        /// The test process is not PID 1: it tells of ends as the reaper would.
        fn tell_end_of(&self, state: &ComponentState, how: &str) {
            self.events
                .send(Event::Ended {
                    pid: state.pid.unwrap(),
                    how: how.to_owned(),
                })
                .unwrap();
        }
    }

    fn endless() -> Vec<Component> {
        vec![
            shell("a", Stage::First, "exec sleep 600"),
            shell("b", Stage::Second, "exec sleep 600"),
        ]
    }

    #[test]
    fn an_unknown_component_is_refused_with_the_known_names() {
        let running = Running::new(endless());
        let reason = running.ask(Order::Restart("c".into())).unwrap_err();
        assert!(reason.contains("\"c\"") && reason.contains("a, b"), "{reason}");
    }

    #[test]
    fn a_killed_component_stays_down_until_it_is_started() {
        let running = Running::new(endless());
        let before = running.ask(Order::Status).unwrap();
        assert!(before[0].pid.is_some() && before[1].pid.is_none(), "{before:?}");
        let (answer, answered) = sync_channel(1);
        running
            .events
            .send(Event::Asked {
                order: Order::Kill("a".into()),
                answer,
            })
            .unwrap();
        running.tell_end_of(&before[0], "signal 9");
        let down = answered.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
        assert_eq!(
            (down[0].pid, down[0].last_exit.as_deref()),
            (None, Some("signal 9"))
        );
        let up = running.ask(Order::Start("a".into())).unwrap();
        assert!(up[0].pid.is_some() && up[0].starts == 2, "{up:?}");
    }

    #[test]
    fn the_second_stage_waits_for_the_gate() {
        let gate = shell("await", Stage::Gate, "exec sleep 600");
        let running = Running::new(vec![gate, shell("b", Stage::Second, "exec sleep 600")]);
        assert_eq!(running.ask(Order::Status).unwrap()[0].pid, None);
        assert!(running.ask(Order::Kill("await".into())).is_err());
    }
}
