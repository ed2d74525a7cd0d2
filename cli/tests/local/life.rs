//! What a developer does from the first start to the stop.

use crate::bench::Bench;

/// One life from the first start to the stop, since a start costs the most.
#[test]
fn a_workspace_a_space_a_save_a_crash_and_nothing_left() {
    let bench = Bench::new();
    bench.write_service("web", "one");
    bench.write_service("api", "one");
    bench.write_workspace();

    // Nothing runs yet, and that is told with the way out.
    let refused = bench.run("api", &["--engine", "local", "status"]);
    assert_eq!(refused.code, 1);
    assert_eq!(refused.event("error")["block"], "devspace local start");

    // The workspace is found from below.
    let started = bench.run("api", &["local", "start", "--timeout", "30s"]);
    started.succeeded();
    assert_eq!(started.event("local_engine")["started"], true);
    let gateway = started.event("workspace")["url"].as_str().unwrap().to_owned();
    let ready = |service: &str| {
        started
            .events("local_service")
            .any(|event| event["service"] == service && event["phase"] == "ready")
    };
    assert!(ready("web") && ready("api"), "{started:?}");
    let ask = |host: &str| Bench::ask(&gateway, host, "/api");
    assert_eq!(ask("localhost"), "api one in baseline");

    // Without a kubeconfig the engine that runs is pointed to.
    let refused = bench.run("api", &["status"]);
    assert_eq!(refused.event("error")["block"], "devspace use local");
    bench.run("api", &["use", "local"]).succeeded();

    takes_over_and_follows(&bench, &ask);

    // The space goes back to the baseline.
    let down = bench.run("api", &["down", "-s", "red"]);
    down.succeeded();
    Bench::until(|| ask("red.localhost"), "api one in baseline");

    let pid = bench.run(".", &["local", "stop"]);
    pid.succeeded();
    assert!(pid.event("local_stopped")["pid"].as_u64().is_some());
    assert_eq!(bench.left_over(), Vec::<String>::new());
    let again = bench.run(".", &["local", "stop"]);
    again.succeeded();
    assert!(again.event("local_stopped")["pid"].is_null());
}

/// `up`, detached and staying; a save, a second `up`, a crash.
fn takes_over_and_follows(bench: &Bench, ask: &dyn Fn(&str) -> String) {
    bench.write_program("api", "two");
    let up = bench.run("api", &["up", "--detach", "-s", "red", "--timeout", "30s"]);
    up.succeeded();
    assert_eq!(ask("red.localhost"), "api two in red");
    assert_eq!(ask("localhost"), "api one in baseline");
    let status = bench.run("api", &["status", "-s", "red"]);
    let row = status.event("copy");
    assert_eq!((&row["phase"], &row["routed"]), (&"ready".into(), &true.into()));
    assert_eq!(row["in_sync"], true, "the folder and the copy are equal");
    assert_eq!(status.event("engine")["engine"], "local");

    let mut first = bench.spawn("api", &["up", "-s", "red", "--timeout", "30s"]);
    first.wait_for("watching");
    bench.write_program("api", "three");
    let live = first.wait_for("live");
    assert_eq!(live["first"], false);
    assert_eq!(ask("red.localhost"), "api three in red");

    let mut second = bench.spawn("api", &["up", "-s", "red", "--timeout", "30s"]);
    second.wait_for("watching");
    first.wait_for("taken_over");
    assert_eq!(first.ended(), 1);

    bench.write("api/main.py", "import sys\nsys.exit('boom')\n");
    let exited = second.wait_for("exited");
    assert_eq!(exited["last_lines"][0], "boom");
    bench.write_program("api", "four");
    second.wait_for("live");
    assert_eq!(ask("red.localhost"), "api four in red");
    second.interrupt();
    second.wait_for("detached");
    assert_eq!(second.ended(), 0);
    assert_eq!(ask("red.localhost"), "api four in red", "the copy runs on");

    let inside = bench.run_raw(
        "api",
        &["exec", "-s", "red", "--", "sh", "-c", "cat /app/main.py; exit 7"],
    );
    assert_eq!(inside.code, 7);
    let inside = bench.run_raw("api", &["exec", "-s", "red", "--", "cat", "/app/main.py"]);
    assert!(inside.stdout.contains("four"), "{inside:?}");
    let logs = bench.run_raw("api", &["logs", "-s", "red", "--tail", "100"]);
    assert!(logs.stdout.contains("boom"), "{logs:?}");
    bench.run("web", &["open", "--print", "-s", "red"]).succeeded();
}

#[test]
fn a_service_that_fails_and_one_without_its_toolchain_are_told_apart() {
    let bench = Bench::new();
    bench.write_service("web", "one");
    bench.write_service("api", "one");
    bench.write_workspace();
    bench.write("api/main.py", "import sys\nsys.exit('no database')\n");
    let text = "devspace: 1\nservice: web\nsync: [{from: ., to: /app}]\nrun: [no-such-toolchain, x]\nports: [8080]\n";
    bench.write("web/devspace.yaml", text);
    let started = bench.run(".", &["local", "start", "--timeout", "30s"]);
    assert_eq!(started.code, 3, "{started:?}");
    assert_eq!(started.event("error")["message"], "not up in workspace shop: api");
    let last = |service: &str| {
        let events: Vec<_> = started
            .events("local_service")
            .filter(|event| event["service"] == service)
            .collect();
        events.last().unwrap().to_string()
    };
    assert!(last("web").contains("no-such-toolchain"), "{}", last("web"));
    assert!(last("api").contains("no database"), "{}", last("api"));
    bench.run(".", &["local", "stop"]).succeeded();
    assert_eq!(bench.left_over(), Vec::<String>::new());
}
