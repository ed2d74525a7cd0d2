//! The normal path and every fault, without a cluster.

use devspace_api::ServiceCopy;
use devspace_api::copy::{CopyPod, ServiceCopySpec};
use devspace_sync::session::{ClientIdentity, Exit, Revision, RootHash};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;

mod coming_up;
mod faults;
mod following;

struct Up {
    state: Option<State>,
    now: u64,
}

impl Up {
    fn new(mode: CopyMode) -> Self {
        Self {
            state: Some(State::new("package", "red", mode)),
            now: 0,
        }
    }

    /// Takes an input, a second after the one before.
    fn take(&mut self, input: Input) -> Vec<String> {
        self.now += 1;
        let (state, effects) = step(self.state.take().unwrap(), input, Duration::from_secs(self.now));
        self.state = Some(state);
        effects.iter().map(shown).collect()
    }

    fn session(&mut self, event: SessionEvent) -> Vec<String> {
        self.take(Input::Session(event))
    }

    fn seen(&mut self, copy: ServiceCopy) -> Vec<String> {
        self.take(Input::Seen(Some(Box::new(copy))))
    }

    /// A copy that is up: pod, files, build, program, route.
    fn brought_up() -> Self {
        let mut up = Self::new(CopyMode::Agent);
        up.take(applied(copy(1)));
        up.session(SessionEvent::Connected {
            agent_version: "1".into(),
            resumed: false,
        });
        up.session(synced(1, 3));
        up.session(in_sync(1));
        up.session(starting(1));
        up.session(live(1));
        up.seen(routed(1));
        assert!(up.state.as_ref().unwrap().is_up());
        up
    }
}

fn shown(effect: &Effect) -> String {
    match effect {
        Effect::Connect => "connect".into(),
        Effect::Listen => "listen".into(),
        Effect::Up => "up".into(),
        Effect::Tell(event) => {
            let value = serde_json::to_value(event).unwrap();
            value["event"].as_str().unwrap().to_owned()
        }
        Effect::End(Ok(())) => "end".into(),
        Effect::End(Err(error)) => {
            use crate::report::Report;
            format!("end {} {}: {error}", error.exit().code(), error.code())
        }
    }
}

fn copy(generation: i64) -> ServiceCopy {
    let mut copy = ServiceCopy::new(
        "package",
        ServiceCopySpec {
            service: "package".into(),
            ..Default::default()
        },
    );
    copy.metadata.generation = Some(generation);
    copy
}

fn applied(copy: ServiceCopy) -> Input {
    Input::Applied {
        copy: Box::new(copy),
        replaces: None,
    }
}

fn with_status(generation: i64, phase: CopyPhase, conditions: Vec<Condition>) -> ServiceCopy {
    let mut copy = copy(generation);
    copy.status = Some(devspace_api::ServiceCopyStatus {
        observed_generation: Some(generation),
        phase,
        conditions,
        pod: Some(CopyPod {
            name: "package-1".into(),
            uid: "u".into(),
            ip: None,
            trouble: String::new(),
        }),
        ..Default::default()
    });
    copy
}

fn in_trouble(trouble: &str) -> ServiceCopy {
    let mut copy = with_status(1, CopyPhase::Starting, Vec::new());
    copy.status.as_mut().unwrap().pod.as_mut().unwrap().trouble = trouble.into();
    copy
}

fn condition(kind: &str, status: &str, message: &str) -> Condition {
    Condition {
        type_: kind.into(),
        status: status.into(),
        message: message.into(),
        reason: "R".into(),
        last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
        observed_generation: None,
    }
}

fn routed(generation: i64) -> ServiceCopy {
    with_status(
        generation,
        CopyPhase::Ready,
        vec![condition("Routed", "True", "")],
    )
}

fn synced(revision: u64, files: u64) -> SessionEvent {
    SessionEvent::Synced {
        revision: Revision(revision),
        files,
        deleted: 0,
        bytes: 10,
        took: Duration::from_millis(5),
    }
}

fn in_sync(revision: u64) -> SessionEvent {
    SessionEvent::InSync {
        revision: Revision(revision),
        root: RootHash("0".repeat(64)),
    }
}

fn starting(revision: u64) -> SessionEvent {
    SessionEvent::ProgramStarting {
        revision: Revision(revision),
    }
}

fn live(revision: u64) -> SessionEvent {
    SessionEvent::Live {
        revision: Revision(revision),
        took_since_save: Some(Duration::from_millis(310)),
        took_restart: Duration::from_millis(200),
    }
}

fn build_finished(ok: bool) -> SessionEvent {
    let exit = if ok { Exit::Code(0) } else { Exit::Code(101) };
    SessionEvent::BuildFinished {
        revision: Some(Revision(1)),
        ok,
        took: Duration::from_secs(6),
        exit,
    }
}

fn exited(crash_loop: bool) -> SessionEvent {
    SessionEvent::Exited {
        exit: Exit::Code(1),
        last_lines: vec!["boom".into()],
        crash_loop,
    }
}
