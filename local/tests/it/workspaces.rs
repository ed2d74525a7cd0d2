//! Workspaces beside each other, their changes, and what copies take over from the baseline.

use std::fs;

use devspace_local::protocol::WorkspaceState;
use devspace_sync::session::Build;
use http::Method;
use serde_json::json;

use crate::bench::{Bench, port_of};
use crate::client::fetch;

#[tokio::test]
async fn two_workspaces_run_beside_each_other_and_a_taken_port_is_told() {
    let (bench, first) = Bench::ready().await;
    let gateway = port_of(&first.url);
    let mut other = bench.workspace(&["package"]);
    other.name = "other".to_owned();
    other.port = Some(gateway);
    let state = bench.put(&other).await;
    let note = state.port_note.unwrap();
    assert!(note.starts_with(&format!("port {gateway} is taken by")), "{note}");
    assert!(note.contains(&format!("(pid {})", bench.pid())), "{note}");
    bench.until_ready("other").await;
    let answer = async |port| fetch(port, "/", &[]).await.unwrap().1;
    assert_eq!(answer(port_of(&state.url)).await, "package-baseline in-");
    assert_eq!(answer(gateway).await, "web-baseline in-");
    let all: Vec<WorkspaceState> = serde_json::from_value(bench.client.get("/v1/workspaces").await).unwrap();
    assert_eq!(
        all.iter().map(|state| state.name.as_str()).collect::<Vec<_>>(),
        ["other", "shop"]
    );
}

#[tokio::test]
async fn a_program_that_listens_on_the_other_loopback_is_reached() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        // This machine has no IPv6, and no program listens there.
        return;
    }
    let bench = Bench::new().await;
    bench.put_service("package", "package");
    let file = bench.project("package").join("server.py");
    let server = fs::read_to_string(&file).unwrap();
    let server = server.replace("(\"127.0.0.1\",", "(\"::1\",").replace(
        "allow_reuse_address = True",
        "allow_reuse_address = True\n    address_family = __import__('socket').AF_INET6",
    );
    fs::write(&file, server).unwrap();
    let state = bench.put(&bench.workspace(&["package"])).await;
    bench.until_ready("shop").await;
    assert_eq!(
        fetch(port_of(&state.url), "/", &[]).await.unwrap().1,
        "package in-"
    );
}

#[tokio::test]
async fn services_are_added_and_removed_and_the_routes_follow() {
    let (bench, first) = Bench::ready().await;
    let gateway = port_of(&first.url);
    bench.put_service("more", "more");
    let mut changed = bench.workspace(&["package", "more"]);
    changed.routes = [
        ("/".to_owned(), "package".to_owned()),
        ("/more".to_owned(), "more".to_owned()),
    ]
    .into();
    let state = bench.put(&changed).await;
    assert_eq!(state.services[0].url, first.services[1].url, "addresses stay");
    bench.until_ready("shop").await;
    assert_eq!(fetch(gateway, "/", &[]).await.unwrap().1, "package-baseline in-");
    assert_eq!(fetch(gateway, "/more/x", &[]).await.unwrap().1, "more in-");
    bench
        .until("end of what was removed", async || {
            (bench.processes().len() == 4).then_some(())
        })
        .await;
    let baseline = bench.client.get("/v1/baselines/shop/shop").await;
    let names: Vec<_> = baseline["status"]["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["more", "package"]);
    assert_eq!(
        baseline["status"]["hosts"],
        json!([format!("localhost:{gateway}")])
    );
}

#[tokio::test]
async fn the_cache_of_a_new_copy_begins_as_the_baselines_and_stays_when_the_copy_goes() {
    let bench = Bench::new().await;
    bench.put_service("package", "package");
    let mut workspace = bench.workspace(&["package"]);
    workspace.services[0].program.build = Some(Build::Run {
        command: ["/bin/sh", "-c", "echo built >> $0", "/app/cache/log"]
            .map(str::to_owned)
            .to_vec(),
        when: Vec::new(),
    });
    bench.put(&workspace).await;
    bench.until_ready("shop").await;
    let folder = bench.state_folder().join("workspaces/shop");
    let of_baseline = folder.join("services/package/root/app/cache/log");
    assert_eq!(fs::read_to_string(&of_baseline).unwrap(), "built\n");
    let up = bench.up("red", "package", "red").await;
    let of_copy = folder.join("copies/red/package/root/app/cache/log");
    assert_eq!(fs::read_to_string(&of_copy).unwrap(), "built\n");
    let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(modified(&of_copy), modified(&of_baseline));
    drop(up);
    fs::write(&of_copy, "own").unwrap();
    bench
        .client
        .ok(
            Method::DELETE,
            "/v1/servicecopies/devspace-shop--red/package",
            json!(null),
        )
        .await;
    let code = folder.join("copies/red/package/root/app/server.py");
    bench
        .until("removal of the code", async || (!code.exists()).then_some(()))
        .await;
    assert_eq!(fs::read_to_string(&of_copy).unwrap(), "own");
    let _up = bench.up("red", "package", "red").await;
    assert_eq!(fs::read_to_string(&of_copy).unwrap(), "own");
    assert_eq!(fs::read_to_string(&of_baseline).unwrap(), "built\n");
}

#[tokio::test]
async fn a_new_copy_waits_for_the_baselines_build_and_begins_with_all_of_its_cache() {
    let bench = Bench::new().await;
    bench.put_service("package", "package");
    let (half, go) = (bench.project("half"), bench.project("go"));
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let mut workspace = bench.workspace(&["package"]);
    // Half of the cache is there long before the other half.
    let script = "echo 1 > $0/a; : > $1; until [ -e $2 ]; do sleep 0.02; done; echo 2 > $0/b";
    workspace.services[0].program.build = Some(Build::Run {
        command: ["/bin/sh", "-c", script, "/app/cache"]
            .map(str::to_owned)
            .into_iter()
            .chain([text(&half), text(&go)])
            .collect(),
        when: Vec::new(),
    });
    bench.put(&workspace).await;
    bench
        .until("half of the build", async || half.exists().then_some(()))
        .await;
    let release = async {
        // The daemon has answered for the copy's object: it was seen, and nothing was started for it.
        let path = "/v1/servicecopies/devspace-shop--red/package/watch";
        let seen = |copy: &serde_json::Value| copy["status"]["phase"] == "Starting";
        bench.until_line(path, "copy", seen).await;
        let cache = bench
            .state_folder()
            .join("workspaces/shop/copies/red/package/root/app/cache");
        assert!(!cache.exists(), "half a cache was copied");
        fs::write(&go, "").unwrap();
        cache
    };
    let (_up, cache) = tokio::join!(bench.up("red", "package", "red"), release);
    assert_eq!(fs::read_to_string(cache.join("a")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(cache.join("b")).unwrap(), "2\n");
}
