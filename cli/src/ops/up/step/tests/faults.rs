//! What stops a copy before it is up.

use super::*;

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
