//! What arrives in the copy, and what does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use devspace_sync::session::SessionEvent;

use crate::bench::{Bench, Listened};

fn synced(event: &SessionEvent) -> Option<u64> {
    match event {
        SessionEvent::Synced { revision, .. } => Some(revision.0),
        _ => None,
    }
}

#[tokio::test]
async fn a_tree_arrives_and_is_proven_equal() {
    let bench = Bench::new().await;
    bench.put(".gitignore", "skipped\n");
    bench.put("skipped", "x");
    for n in 0..600 {
        bench.put(&format!("dir{}/file{n}", n % 7), &n.to_string());
    }
    fs::set_permissions(
        bench.project().join("dir0/file0"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    symlink("dir0/file0", bench.project().join("link")).unwrap();
    symlink("/etc/passwd", bench.project().join("escape")).unwrap();
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    assert_eq!(bench.there("dir6/file13").as_deref(), Some("13"));
    assert_eq!(bench.there("link").as_deref(), Some("0"));
    assert_eq!(bench.there("skipped"), None);
    assert!(!fs::exists(Path::new(&bench.target()).join("escape")).unwrap());
    assert!(
        session
            .seen
            .iter()
            .any(|event| matches!(event, SessionEvent::Warning { message } if message.contains("escape")))
    );
    let proof = session.session.verify().await.unwrap();
    assert_eq!(proof.here, proof.there);
    assert!(proof.differing.is_empty() && proof.entries > 600);
}

/// Waits until the copy holds `content` at `path`. What is saved in steps may arrive in steps.
async fn arrives(session: &mut Listened, bench: &Bench, path: &str, content: Option<&str>) {
    while bench.there(path).as_deref() != content {
        session.until(path, synced).await;
    }
}

#[tokio::test]
async fn every_way_to_change_a_file_arrives() {
    let bench = Bench::new().await;
    bench.put("a", "1");
    bench.put("folder/b", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    let project = bench.project();
    // An editor that writes beside and renames over.
    bench.put("a.tmp", "2");
    fs::rename(project.join("a.tmp"), project.join("a")).unwrap();
    arrives(&mut session, &bench, "a", Some("2")).await;
    fs::rename(project.join("folder"), project.join("moved")).unwrap();
    arrives(&mut session, &bench, "moved/b", Some("1")).await;
    arrives(&mut session, &bench, "folder/b", None).await;
    // What lies in a folder that is new, or was moved, is watched as well.
    bench.put("moved/b", "2");
    arrives(&mut session, &bench, "moved/b", Some("2")).await;
    bench.put("new/deep/er/c", "1");
    arrives(&mut session, &bench, "new/deep/er/c", Some("1")).await;
    bench.put("new/deep/er/c", "2");
    arrives(&mut session, &bench, "new/deep/er/c", Some("2")).await;
    fs::remove_dir_all(project.join("new")).unwrap();
    arrives(&mut session, &bench, "new/deep/er/c", None).await;
    let mode = || {
        fs::metadata(Path::new(&bench.target()).join("a"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    fs::set_permissions(project.join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    while mode() != 0o700 {
        session.until("mode", synced).await;
    }
}

#[tokio::test]
async fn rules_that_change_take_effect() {
    let bench = Bench::new().await;
    bench.put("keep", "1");
    bench.put("noise/x", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    assert_eq!(bench.there("noise/x").as_deref(), Some("1"));
    bench.put(".gitignore", "noise\n");
    arrives(&mut session, &bench, "noise/x", None).await;
}

#[tokio::test]
async fn a_storm_of_changes_ends_equal() {
    let bench = Bench::new().await;
    bench.put("stays", "x");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    for round in 0..4 {
        for n in 0..150 {
            bench.put(&format!("d{}/f{n}", n % 5), &format!("{round}-{n}"));
        }
        if round % 2 == 0 {
            fs::remove_dir_all(bench.project().join("d3")).unwrap();
        }
    }
    bench.put("last", "x");
    arrives(&mut session, &bench, "last", Some("x")).await;
    let proof = session.session.verify().await.unwrap();
    assert!(proof.differing.is_empty(), "{:?}", proof.differing);
}

#[tokio::test]
async fn an_emptied_root_halts_and_one_that_is_full_again_goes_on() {
    let bench = Bench::new().await;
    bench.put("a", "1");
    bench.put("b", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    fs::remove_file(bench.project().join("a")).unwrap();
    fs::remove_file(bench.project().join("b")).unwrap();
    session
        .until("halt", |event| {
            matches!(event, SessionEvent::Halted { .. }).then_some(())
        })
        .await;
    assert_eq!(
        bench.there("b").as_deref(),
        Some("1"),
        "nothing was removed in the copy"
    );
    bench.put("a", "2");
    arrives(&mut session, &bench, "a", Some("2")).await;
    arrives(&mut session, &bench, "b", None).await;
}

#[tokio::test]
async fn a_vanished_root_halts_and_comes_back() {
    let bench = Bench::new().await;
    bench.put("a", "1");
    let mut session = bench.session(bench.config_with("sleep 1000"));
    session.in_sync().await;
    fs::rename(bench.project(), bench.project().with_extension("away")).unwrap();
    session
        .until("halt", |event| {
            matches!(event, SessionEvent::Halted { .. }).then_some(())
        })
        .await;
    fs::rename(bench.project().with_extension("away"), bench.project()).unwrap();
    bench.put("a", "2");
    arrives(&mut session, &bench, "a", Some("2")).await;
}

#[tokio::test]
async fn a_wrong_configuration_is_said_and_not_ignored() {
    let bench = Bench::new().await;
    bench.put("a", "1");
    let mut config = bench.config();
    config.roots[0].to = "/elsewhere".to_owned();
    let mut session = bench.session(config);
    session.ended().await;
    assert!(
        matches!(session.seen.last(), Some(SessionEvent::Halted { reason }) if reason.contains("/elsewhere")),
        "{:?}",
        session.seen
    );
}
