//! The normal path and every fault, without a cluster.

use devspace_api::ServiceCopy;
use devspace_api::copy::{CopyPod, ServiceCopySpec};
use devspace_sync::session::{ClientIdentity, Exit, Revision, RootHash};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;

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

#[test]
fn a_copy_comes_up_and_says_so_once() {
    let mut up = Up::new(CopyMode::Agent);
    assert_eq!(up.take(applied(copy(1))), ["connect"]);
    assert_eq!(
        up.session(SessionEvent::Connected {
            agent_version: "1".into(),
            resumed: false
        }),
        ["pod"]
    );
    assert_eq!(up.session(synced(1, 214)), ["synced"]);
    assert_eq!(up.session(in_sync(1)), ["in_sync"]);
    assert_eq!(
        up.session(SessionEvent::BuildStarted {
            revision: Some(Revision(1))
        }),
        ["building"]
    );
    assert_eq!(up.session(build_finished(true)), ["built"]);
    assert_eq!(up.session(starting(1)), ["starting"]);
    assert!(
        up.seen(with_status(1, CopyPhase::Starting, Vec::new()))
            .is_empty()
    );
    assert_eq!(up.session(live(1)), ["live"]);
    assert_eq!(up.seen(routed(1)), ["routed", "up", "up"]);
    assert!(up.seen(routed(1)).is_empty());
    assert_eq!(up.session(live(2)), ["live"]);
    assert_eq!(up.take(Input::Left), ["end"]);
}

#[test]
fn the_summary_has_the_times_of_all_phases() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: false,
    });
    up.session(synced(1, 214));
    up.session(in_sync(1));
    up.session(build_finished(true));
    up.session(starting(1));
    up.session(live(1));
    let (_, effects) = step(
        up.state.take().unwrap(),
        Input::Seen(Some(Box::new(routed(1)))),
        Duration::from_secs(9),
    );
    let summary = effects.iter().find_map(|effect| match effect {
        Effect::Tell(event @ Event::Up { .. }) => Some(serde_json::to_value(event).unwrap()),
        _ => None,
    });
    assert_eq!(
        summary.unwrap(),
        serde_json::json!({"event": "up", "service": "package", "space": "red", "pod_seconds": 2.0, "files": 214, "build_seconds": 6.0, "seconds": 9.0})
    );
}

#[test]
fn a_copy_that_needs_nothing_new_is_up_without_a_start() {
    let mut up = Up::new(CopyMode::Agent);
    assert_eq!(up.take(applied(routed(1))), ["connect", "routed"]);
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    // The agent says again what runs.
    assert_eq!(up.session(live(7)), ["live"]);
    assert_eq!(up.session(in_sync(7)), ["in_sync", "up", "up"]);
}

#[test]
fn a_copy_that_ran_before_is_up_with_the_new_files_only() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(routed(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    assert_eq!(up.session(live(7)), ["live"]);
    assert_eq!(up.session(synced(8, 1)), ["synced"]);
    // The old program still answers, and the agent has not said what it makes of the new files.
    assert_eq!(up.session(in_sync(8)), ["in_sync", "listen"]);
    assert_eq!(up.session(starting(8)), ["starting"]);
    assert!(up.take(Input::Quiet).is_empty());
    assert_eq!(up.session(live(8)), ["live", "up", "up"]);
}

#[test]
fn a_program_that_reloads_by_itself_is_up_after_a_quiet_moment() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(routed(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    up.session(live(7));
    up.session(synced(8, 1));
    assert_eq!(up.session(in_sync(8)), ["in_sync", "listen"]);
    assert_eq!(up.take(Input::Quiet), ["up", "up"]);
}

#[test]
fn what_the_controller_said_of_an_older_spec_does_not_count() {
    let mut up = Up::new(CopyMode::Agent);
    let mut stale = routed(1);
    stale.metadata.generation = Some(2);
    // The old pod is about to go, so no session with it.
    assert!(up.take(applied(stale)).is_empty());
    assert!(up.seen(routed(1)).is_empty());
    assert_eq!(
        up.seen(with_status(2, CopyPhase::Starting, Vec::new())),
        ["connect"]
    );
}

#[test]
fn what_is_said_of_a_pod_that_is_replaced_does_not_count() {
    let mut up = Up::new(CopyMode::Agent);
    let mut stale = with_status(1, CopyPhase::Starting, Vec::new());
    stale.metadata.generation = Some(2);
    assert!(
        up.take(Input::Applied {
            copy: Box::new(stale),
            replaces: Some("u".into())
        })
        .is_empty()
    );
    let mut old = in_trouble("ImagePullBackOff: of the old pod");
    old.metadata.generation = Some(2);
    old.status.as_mut().unwrap().observed_generation = Some(2);
    assert!(up.seen(old).is_empty());
    let mut new = with_status(2, CopyPhase::Starting, Vec::new());
    new.status.as_mut().unwrap().pod.as_mut().unwrap().uid = "another".into();
    assert_eq!(up.seen(new), ["connect"]);
}

#[test]
fn a_copy_of_an_image_has_no_session() {
    let mut up = Up::new(CopyMode::Image);
    assert!(up.take(applied(copy(1))).is_empty());
    assert_eq!(up.seen(routed(1)), ["pod", "routed", "up", "up"]);
}

#[test]
fn an_image_that_does_not_start_ends_it() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    assert_eq!(up.seen(in_trouble("ErrImagePull: not found")), ["warning"]);
    assert!(up.seen(in_trouble("ErrImagePull: not found")).is_empty());
    assert_eq!(
        up.seen(in_trouble("ImagePullBackOff: Back-off pulling image \"nope\"")),
        [
            "end 3 pod_trouble: the copy of package does not start: ImagePullBackOff: Back-off pulling image \"nope\""
        ]
    );
    assert!(up.session(live(1)).is_empty(), "nothing follows the end");
}

#[test]
fn a_refused_copy_ends_it_with_the_reason() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    let refused = with_status(
        1,
        CopyPhase::Refused,
        vec![condition("Ready", "False", "a DaemonSet cannot be copied")],
    );
    assert_eq!(
        up.seen(refused),
        ["end 1 copy_refused: the copy of package cannot be made: a DaemonSet cannot be copied"]
    );
}

#[test]
fn a_first_build_that_fails_ends_it() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    up.session(in_sync(1));
    up.session(SessionEvent::BuildStarted {
        revision: Some(Revision(1)),
    });
    up.session(SessionEvent::BuildOutput {
        line: "error: no".into(),
    });
    assert_eq!(
        up.session(build_finished(false)),
        [
            "build_failed",
            "end 3 build_failed: package: the build failed (exit code 101)"
        ]
    );
}

#[test]
fn a_build_of_what_the_copy_held_before_fails_nobody() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(routed(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    assert!(up.session(build_finished(false)).is_empty());
    up.session(synced(2, 1));
    assert_eq!(up.session(in_sync(2)), ["in_sync"]);
    up.session(starting(2));
    assert_eq!(up.session(live(2)), ["live", "up", "up"]);
}

#[test]
fn a_build_of_what_the_copy_held_before_fails_the_same_folder() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(routed(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    up.session(build_finished(false));
    assert_eq!(
        up.session(in_sync(1)),
        [
            "in_sync",
            "build_failed",
            "end 3 build_failed: package: the build failed (exit code 101)"
        ]
    );
}

#[test]
fn a_later_build_that_fails_is_shown_with_its_lines() {
    let mut up = Up::brought_up();
    up.session(SessionEvent::BuildStarted {
        revision: Some(Revision(2)),
    });
    for number in 0..BUILD_LINES + 5 {
        up.session(SessionEvent::BuildOutput {
            line: number.to_string(),
        });
    }
    let (_, effects) = step(
        up.state.take().unwrap(),
        Input::Session(build_finished(false)),
        Duration::from_secs(99),
    );
    let Some(Effect::Tell(Event::BuildFailed { last_lines, .. })) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(effects.len(), 1);
    assert_eq!((last_lines.len(), last_lines[0].as_str()), (BUILD_LINES, "5"));
}

#[test]
fn a_program_that_ends_before_it_was_ready_ends_it() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: false,
    });
    up.session(synced(1, 1));
    up.session(starting(1));
    assert_eq!(
        up.session(exited(false)),
        [
            "exited",
            "end 3 exited: package: the program ended before it was ready (exit code 1)"
        ]
    );
}

#[test]
fn a_program_that_was_dead_before_the_first_sync_says_nothing_about_the_folder() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    assert!(up.session(exited(true)).is_empty());
    // The agent tries it again for the new session.
    up.session(starting(1));
    assert!(up.session(exited(true)).is_empty());
    up.session(synced(2, 1));
    up.session(in_sync(2));
    // The end of the old program may be told late.
    assert!(up.session(exited(true)).is_empty());
    up.session(starting(2));
    assert_eq!(up.session(live(2)), ["live"]);
}

#[test]
fn a_program_that_ends_from_what_the_folder_holds_ends_it() {
    let mut up = Up::new(CopyMode::Agent);
    up.take(applied(copy(1)));
    up.session(SessionEvent::Connected {
        agent_version: "1".into(),
        resumed: true,
    });
    up.session(starting(1));
    assert!(up.session(exited(true)).is_empty());
    assert_eq!(
        up.session(in_sync(1)),
        [
            "in_sync",
            "exited",
            "end 3 exited: package: the program ended before it was ready (exit code 1)"
        ]
    );
}

#[test]
fn a_program_that_ends_later_is_shown_and_followed() {
    let mut up = Up::brought_up();
    assert_eq!(up.session(exited(true)), ["exited"]);
    up.session(starting(2));
    assert_eq!(up.session(live(2)), ["live"]);
}

#[test]
fn a_second_up_takes_over_and_the_first_says_so() {
    let mut up = Up::brought_up();
    let by = ClientIdentity {
        user: "alice".into(),
        host: "desk".into(),
        session_id: "s".into(),
    };
    assert_eq!(
        up.session(SessionEvent::TakenOver { by }),
        [
            "taken_over",
            "end 1 taken_over: package was taken over by alice@desk"
        ]
    );
}

#[test]
fn a_lost_connection_is_told_and_not_the_end() {
    let mut up = Up::brought_up();
    assert_eq!(
        up.session(SessionEvent::Disconnected {
            reason: "pod deleted".into()
        }),
        ["disconnected"]
    );
    assert_eq!(
        up.session(SessionEvent::Reconnected {
            took: Duration::from_secs(2)
        }),
        ["reconnected"]
    );
    assert_eq!(up.session(in_sync(1)), ["in_sync"]);
}

#[test]
fn a_removed_copy_ends_it() {
    let mut up = Up::new(CopyMode::Agent);
    assert!(up.take(Input::Seen(None)).is_empty(), "it is not written yet");
    up.take(applied(copy(1)));
    assert_eq!(
        up.take(Input::Seen(None)),
        ["end 1 copy_removed: the copy of package was removed"]
    );
}

#[test]
fn a_session_that_cannot_go_on_ends_it_with_its_reason() {
    let mut up = Up::brought_up();
    assert_eq!(
        up.session(SessionEvent::Halted {
            reason: "the folder vanished".into()
        }),
        ["halted"]
    );
    assert_eq!(
        up.take(Input::SessionEnded),
        ["end 1 halted: package is no longer followed: the folder vanished"]
    );
}

#[test]
fn a_time_out_names_what_was_waited_for() {
    let waits = |inputs: Vec<Input>| {
        let mut up = Up::new(CopyMode::Agent);
        for input in inputs {
            up.take(input);
        }
        up.take(Input::TimedOut(Vec::new())).join("")
    };
    let connected = || {
        Input::Session(SessionEvent::Connected {
            agent_version: "1".into(),
            resumed: false,
        })
    };
    let end = |what: &str| format!("end 3 timed_out: package is not up in time; waiting for {what}");
    assert_eq!(
        waits(vec![applied(copy(1))]),
        end("the agent in its pod to answer")
    );
    assert_eq!(
        waits(vec![
            applied(copy(1)),
            Input::Seen(Some(Box::new(in_trouble("Unschedulable: 0/1 nodes"))))
        ]),
        end("its pod to start (Unschedulable: 0/1 nodes)")
    );
    assert_eq!(
        waits(vec![applied(copy(1)), connected()]),
        end("its files to be synced")
    );
    let building = Input::Session(SessionEvent::BuildStarted { revision: None });
    assert_eq!(
        waits(vec![applied(copy(1)), connected(), building]),
        end("its build")
    );
    let sync = || Input::Session(in_sync(1));
    assert_eq!(
        waits(vec![
            applied(copy(1)),
            connected(),
            sync(),
            Input::Session(starting(1))
        ]),
        end("its program to listen")
    );
    assert_eq!(
        waits(vec![
            applied(copy(1)),
            connected(),
            sync(),
            Input::Session(live(1))
        ]),
        end("the routers to send its requests to it")
    );
}
