//! The way up.

use super::*;

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
