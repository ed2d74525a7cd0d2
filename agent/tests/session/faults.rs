//! Cuts, replaced pods, takeover, and a CLI that dies.

use devspace_sync::session::SessionEvent;

use crate::bench::Bench;

fn reconnected(event: &SessionEvent) -> Option<()> {
    matches!(event, SessionEvent::Reconnected { .. }).then_some(())
}

#[tokio::test]
async fn a_cut_is_told_and_what_was_saved_meanwhile_arrives() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    bench.cut();
    bench.put("answer", "two");
    session.until("reconnected", reconnected).await;
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "two copy-of-red");
    assert!(
        session
            .seen
            .iter()
            .any(|event| matches!(event, SessionEvent::Disconnected { .. }))
    );
}

#[tokio::test]
async fn an_unchanged_tree_is_in_sync_again_without_a_batch_or_a_restart() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    session.seen.clear();
    bench.cut();
    session.until("reconnected", reconnected).await;
    assert_eq!(session.in_sync().await, 1);
    assert!(!session.seen.iter().any(|event| matches!(
        event,
        SessionEvent::Synced { .. } | SessionEvent::ProgramStarting { .. }
    )));
}

#[tokio::test]
async fn a_new_pod_with_an_empty_volume_gets_everything() {
    let mut bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    bench.replace_pod().await;
    session.until("reconnected", reconnected).await;
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "one copy-of-red");
    let proof = session.session.verify().await.unwrap();
    assert_eq!(proof.here, proof.there);
}

#[tokio::test]
async fn an_agent_that_starts_again_resumes_without_a_client() {
    let mut bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    session.session.shutdown().await;
    bench.stop_agent().await;
    assert!(bench.ask().await.is_err(), "the program ended with the agent");
    bench.start_agent().await;
    tokio::time::timeout(crate::bench::DEADLINE, async {
        while bench.ask().await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(bench.ask().await.unwrap(), "one copy-of-red");
}

#[tokio::test]
async fn a_second_session_takes_over_and_the_first_says_so() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut first = bench.session(bench.config());
    first.live().await;
    let mut config = bench.config();
    config.client.session_id = "second".to_owned();
    config.client.user = "grace".to_owned();
    let mut second = bench.session(config);
    assert_eq!(second.live().await, 1, "the program was not restarted for it");
    first.ended().await;
    assert!(
        matches!(first.seen.last(), Some(SessionEvent::TakenOver { by }) if by.user == "grace"),
        "{:?}",
        first.seen
    );
    bench.put("answer", "two");
    second.live().await;
    assert_eq!(bench.ask().await.unwrap(), "two copy-of-red");
}

#[tokio::test]
async fn a_session_that_was_away_does_not_take_the_copy_back() {
    let mut bench = Bench::new().await;
    bench.put_server("one");
    let mut first = bench.session(bench.config());
    first.live().await;
    // The first is away while the second comes: it only learns of it when it is back.
    bench.stop_agent().await;
    first
        .until("cut", |event| {
            matches!(event, SessionEvent::Disconnected { .. }).then_some(())
        })
        .await;
    bench.start_agent().await;
    let mut config = bench.config();
    config.client.session_id = "second".to_owned();
    let mut second = bench.session(config);
    second.live().await;
    first.ended().await;
    assert!(
        matches!(first.seen.last(), Some(SessionEvent::TakenOver { .. })),
        "{:?}",
        first.seen
    );
}

#[tokio::test]
async fn a_client_that_dies_leaves_the_copy_running_and_the_next_one_resumes() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    session.live().await;
    drop(session);
    bench.cut();
    assert_eq!(bench.ask().await.unwrap(), "one copy-of-red");
    let mut config = bench.config();
    config.client.session_id = "next".to_owned();
    let mut next = bench.session(config);
    next.live().await;
    assert!(
        next.seen
            .iter()
            .any(|event| matches!(event, SessionEvent::Connected { resumed: true, .. }))
    );
    assert!(
        !next
            .seen
            .iter()
            .any(|event| matches!(event, SessionEvent::ProgramStarting { .. }))
    );
}

#[tokio::test]
async fn a_file_that_the_copy_changed_is_reported_and_replaced() {
    let bench = Bench::new().await;
    bench.put("a", "mine");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    std::fs::write(std::path::Path::new(&bench.target()).join("a"), "theirs").unwrap();
    let proof = session.session.verify().await.unwrap();
    assert_ne!(proof.here, proof.there);
    assert_eq!(proof.differing.len(), 1);
    bench.cut();
    session.until("reconnected", reconnected).await;
    session.in_sync().await;
    assert_eq!(bench.there("a").as_deref(), Some("mine"));
}
