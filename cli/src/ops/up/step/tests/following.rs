//! What happens to a copy that is up, or that somebody else takes.

use super::*;

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
fn a_watch_that_fails_in_the_same_way_is_told_once() {
    let mut up = Up::brought_up();
    let fails = |why: &str| Input::Unwatched(why.into());
    assert_eq!(up.take(fails("the local engine does not run")), ["warning"]);
    assert!(up.take(fails("the local engine does not run")).is_empty());
    assert_eq!(up.take(fails("another")), ["warning"]);
    up.seen(routed(1));
    assert_eq!(up.take(fails("another")), ["warning"]);
}
