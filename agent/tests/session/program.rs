//! Build, run, restart, crash.

use std::fs;

use devspace_sync::session::{Build, Exit, SessionEvent};

use crate::bench::{Bench, build};

#[tokio::test]
async fn a_save_is_answered_by_new_code() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut session = bench.session(bench.config());
    assert_eq!(session.live().await, 1);
    assert_eq!(bench.ask().await.unwrap(), "one copy-of-red");
    bench.put("answer", "two");
    assert_eq!(session.live().await, 2);
    // Live is a promise about every request from now on.
    for _ in 0..20 {
        assert_eq!(bench.ask().await.unwrap(), "two copy-of-red");
    }
    assert!(session.seen.iter().any(|event| matches!(
        event,
        SessionEvent::Live {
            took_since_save: Some(_),
            ..
        }
    )));
    session.session.shutdown().await;
    assert_eq!(bench.ask().await.unwrap(), "two copy-of-red", "the copy runs on");
}

#[tokio::test]
async fn the_old_program_is_gone_with_all_it_started_before_the_new_one_starts() {
    let bench = Bench::new().await;
    // The child ignores SIGTERM and would go on writing its number.
    bench.put(
        "run.sh",
        "trap '' TERM; (trap '' TERM; while :; do sed -n 1p number >> log; sleep 0.01; done) & wait; wait",
    );
    bench.put("number", "1\n");
    let mut config = bench.config_with("exec sh ./run.sh");
    config.program.stop_grace = std::time::Duration::from_millis(50);
    config.program.ports = Vec::new();
    let mut session = bench.session(config);
    let starting = |event: &SessionEvent| match event {
        SessionEvent::ProgramStarting { revision } => Some(revision.0),
        _ => None,
    };
    assert_eq!(session.until("start", starting).await, 1);
    bench.put("other", "x");
    assert_eq!(session.until("second start", starting).await, 2);
    session.session.restart().await.unwrap();
    assert_eq!(session.until("third start", starting).await, 2);
}

#[tokio::test]
async fn a_failed_build_keeps_the_old_program() {
    let bench = Bench::new().await;
    bench.put_server("one");
    bench.put("check", "exit 0");
    let mut config = bench.config();
    config.program.build = build("echo building; echo problem >&2; . ./check", &["check", "answer"]);
    let mut session = bench.session(config);
    session.live().await;
    bench.put("check", "exit 7");
    let exit = session
        .until("failed build", |event| match event {
            SessionEvent::BuildFinished { ok: false, exit, .. } => Some(*exit),
            _ => None,
        })
        .await;
    assert_eq!(exit, Exit::Code(7));
    let lines: Vec<&str> = session
        .seen
        .iter()
        .filter_map(|event| match event {
            SessionEvent::BuildOutput { line } => Some(line.as_str()),
            _ => None,
        })
        .collect();
    assert!(lines.contains(&"problem") && lines.contains(&"building"));
    assert_eq!(bench.ask().await.unwrap(), "one copy-of-red");
    bench.put("answer", "two");
    session
        .until("second failed build", |event| {
            matches!(event, SessionEvent::BuildFinished { ok: false, .. }).then_some(())
        })
        .await;
    assert_eq!(
        bench.ask().await.unwrap(),
        "one copy-of-red",
        "still the old program"
    );
    bench.put("check", "exit 0");
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "two copy-of-red");
}

#[tokio::test]
async fn a_change_that_the_build_does_not_name_leaves_the_program_alone() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut config = bench.config();
    config.program.build = build("true", &["server.py"]);
    let mut session = bench.session(config);
    session.live().await;
    bench.put("answer", "two");
    session.in_sync().await;
    bench.put(
        "server.py",
        &(fs::read_to_string(bench.project().join("server.py")).unwrap() + "\n"),
    );
    session.live().await;
    let builds = session
        .seen
        .iter()
        .filter(|event| matches!(event, SessionEvent::BuildStarted { .. }))
        .count();
    let starts = session
        .seen
        .iter()
        .filter(|event| matches!(event, SessionEvent::ProgramStarting { .. }))
        .count();
    assert_eq!((builds, starts), (2, 2));
}

#[tokio::test]
async fn a_batch_cancels_a_build_and_the_next_one_has_all_of_it() {
    let bench = Bench::new().await;
    bench.put_server("one");
    bench.put("wait", "yes");
    let mut config = bench.config();
    config.program.build = build(
        "if [ \"$(cat wait)\" = yes ]; then echo waits; sleep 1000; fi",
        &[],
    );
    let mut session = bench.session(config);
    session
        .until("a waiting build", |event| {
            matches!(event, SessionEvent::BuildOutput { .. }).then_some(())
        })
        .await;
    bench.put("wait", "no");
    assert_eq!(session.live().await, 2);
}

#[tokio::test]
async fn a_program_that_ends_is_shown_and_a_save_starts_it_at_once() {
    let bench = Bench::new().await;
    bench.put_server("one");
    bench.put("server.py", "import sys\nprint('about to fail')\nsys.exit(9)\n");
    let mut session = bench.session(bench.config());
    let (exit, lines) = session
        .until("exit", |event| match event {
            SessionEvent::Exited { exit, last_lines, .. } => Some((*exit, last_lines.clone())),
            _ => None,
        })
        .await;
    assert_eq!((exit, lines), (Exit::Code(9), vec!["about to fail".to_owned()]));
    session
        .until("crash loop", |event| {
            matches!(event, SessionEvent::Exited { crash_loop: true, .. }).then_some(())
        })
        .await;
    bench.put_server("mended");
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "mended copy-of-red");
}

#[tokio::test]
async fn a_build_here_comes_before_its_artefact() {
    let bench = Bench::new().await;
    bench.put("src/answer.txt", "one");
    bench.put_server("unused");
    let mut config = bench.config();
    config.program.build = Some(Build::Here {
        command: [
            "/bin/sh",
            "-c",
            "mkdir -p out && cp server.py out/ && tr a-z A-Z < src/answer.txt > out/answer",
        ]
        .map(str::to_owned)
        .to_vec(),
        when: vec!["src/**".to_owned()],
        dir: bench.project(),
    });
    config.roots[0].from = bench.project().join("out");
    let mut session = bench.session(config);
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "ONE copy-of-red");
    bench.put("src/answer.txt", "two");
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "TWO copy-of-red");
    assert_eq!(bench.there("src/answer.txt"), None);
}

#[tokio::test]
async fn a_change_that_restart_names_restarts_without_a_build() {
    let bench = Bench::new().await;
    bench.put_server("one");
    let mut config = bench.config();
    config.program.build = build("echo run >> builds", &["server.py"]);
    config.program.restart = Some(vec!["answer".to_owned()]);
    let mut session = bench.session(config);
    session.live().await;
    bench.put("answer", "two");
    session.live().await;
    assert_eq!(bench.ask().await.unwrap(), "two copy-of-red");
    assert_eq!(
        bench.there("builds").unwrap(),
        "run\n",
        "one build, for the first start"
    );
}
