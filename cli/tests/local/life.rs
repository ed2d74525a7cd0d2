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
    assert_eq!(ask("red.localhost"), "api one in baseline");

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
    assert_eq!(first.ended().code, 1);

    bench.write("api/main.py", "import sys\nsys.exit('boom')\n");
    let exited = second.wait_for("exited");
    assert_eq!(exited["last_lines"][0], "boom");
    bench.write_program("api", "four");
    second.wait_for("live");
    assert_eq!(ask("red.localhost"), "api four in red");
    second.interrupt();
    second.wait_for("detached");
    second.ended().succeeded();
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
    let opened = bench.run("web", &["open", "--print", "-s", "red"]);
    assert!(
        opened.event("url")["url"]
            .as_str()
            .unwrap()
            .starts_with("http://red.localhost:")
    );
    let mut forward = bench.spawn("api", &["forward", "0:8080", "-s", "red"]);
    let address = forward.wait_for("forwarding")["address"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(Bench::ask(&address, "anything", "/"), "api four in red");
    forward.interrupt();
    forward.ended().succeeded();
    let refused = bench.run("web", &["baseline", "disable", "web"]);
    assert_eq!(
        (refused.code, refused.event("error")["code"].as_str()),
        (1, Some("no_cluster"))
    );
    bench.run("web", &["baseline", "status"]).succeeded();
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

#[test]
fn two_starts_at_once_and_one_after_a_kill_share_one_daemon() {
    let bench = Bench::new();
    bench.write_service("web", "one");
    bench.write_service("api", "one");
    bench.write_workspace();
    let mut first = bench.spawn(".", &["local", "start", "--timeout", "30s"]);
    let mut second = bench.spawn("web", &["local", "start", "--timeout", "30s"]);
    let daemons = [first.wait_for("local_engine"), second.wait_for("local_engine")];
    assert_eq!(daemons[0]["pid"], daemons[1]["pid"]);
    let started = daemons.iter().filter(|daemon| daemon["started"] == true);
    assert_eq!(started.count(), 1, "{daemons:?}");
    first.ended().succeeded();
    second.ended().succeeded();
    let status = bench.run(".", &["local", "status"]);
    let gateway = status.event("workspace")["url"].clone();

    // A third daemon is refused.
    let refused = bench.run(".", &["local", "serve"]);
    assert_eq!(refused.event("error")["code"], "local_runs_already");

    let pid = daemons[0]["pid"]
        .as_i64()
        .and_then(|pid| i32::try_from(pid).ok())
        .unwrap();
    let process = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    let again = bench.run(".", &["local", "start", "--timeout", "30s"]);
    again.succeeded();
    assert_eq!(again.event("local_engine")["started"], true);
    assert_eq!(again.event("workspace")["url"], gateway, "the address stays");
    let gateway = gateway.as_str().unwrap();
    assert_eq!(Bench::ask(gateway, "localhost", "/api"), "api one in baseline");
    bench.run(".", &["local", "stop"]).succeeded();
    assert_eq!(bench.left_over(), Vec::<String>::new());
}

#[test]
fn the_engine_in_use_is_chosen_kept_and_explained() {
    let bench = Bench::new();
    bench.write_service("web", "one");
    bench.write(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n\
         users: [{name: u, user: {}}]\ncontexts: [{name: dev, context: {cluster: c, user: u}}]\ncurrent-context: dev\n",
    );
    let explain = |arguments: &[&str]| {
        let mut all = vec!["config", "explain", "engine"];
        all.extend(arguments);
        let said = bench.run("web", &all);
        said.succeeded();
        let row = said.event("setting");
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (text("value"), text("origin"))
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(explain(&[]), pair("kube", "default"));
    let used = bench.run("web", &["use", "local"]);
    used.succeeded();
    assert!(
        used.event("warning")["message"]
            .as_str()
            .unwrap()
            .contains("devspace local start")
    );
    let file = used.event("used")["file"].as_str().unwrap().to_owned();
    assert_eq!(explain(&[]), pair("local", &file));
    assert_eq!(explain(&["--engine", "kube"]), pair("kube", "`--engine`"));
    assert_eq!(explain(&["--context", "dev"]), pair("kube", "`--context`"));

    let wrong = bench.run("web", &["use", "local", "dev"]);
    assert_eq!(wrong.code, 64);
    let unknown = bench.run("web", &["--kubeconfig", "../kubeconfig", "use", "kube", "prod"]);
    assert_eq!(
        unknown.event("error")["message"],
        "the kubeconfig has no context `prod`"
    );
    assert_eq!(explain(&[]), pair("local", &file), "nothing was kept");
    bench
        .run("web", &["--kubeconfig", "../kubeconfig", "use", "kube", "dev"])
        .succeeded();
    assert_eq!(explain(&[]), pair("kube", &file));

    // The values of a cluster that does not answer have that reason; the others are shown.
    let shown = bench.run("web", &["--kubeconfig", "../kubeconfig", "config", "show"]);
    shown.succeeded();
    let row = |key: &str| shown.events("setting").find(|row| row["key"] == key).unwrap();
    assert_eq!(row("service")["value"], "web");
    assert!(row("space")["value"].is_null());
    assert!(row("space")["origin"].as_str().unwrap().contains("127.0.0.1:9"));
}

#[test]
fn man_pages_are_written_for_every_verb() {
    let bench = Bench::new();
    bench.write_service("web", "one");
    let written = bench.run("web", &["man", "pages"]);
    written.succeeded();
    let pages: Vec<String> = written
        .events("written")
        .map(|event| event["file"].as_str().unwrap().to_owned())
        .collect();
    for page in [
        "pages/devspace.1",
        "pages/devspace-up.1",
        "pages/devspace-local-start.1",
    ] {
        assert!(pages.iter().any(|written| written == page), "{pages:?}");
    }
    assert!(
        !pages.iter().any(|page| page.contains("serve")),
        "hidden verbs have none"
    );
}
