//! Programs, agents and the daemon itself die.

use devspace_agent::processes;
use http::Method;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::bench::{Bench, is_routed, port_of, put_file};
use crate::client::fetch;

/// No process.
const NONE: [u32; 0] = [];

fn service<'s>(state: &'s Value, name: &str) -> &'s Value {
    state["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|service| service["name"] == name)
        .unwrap()
}

#[tokio::test]
async fn a_crash_is_shown_with_its_last_lines_and_mended() {
    let (bench, state) = Bench::ready().await;
    let address = port_of(&state.services[1].url);
    // Past the router, which would send the request once more.
    let mut stream = bench.client.dial("shop", "package", 8080).await.unwrap();
    stream.write_all(b"GET /crash HTTP/1.0\r\n\r\n").await.unwrap();
    let state = bench
        .until_state("shop", "crash", |state| {
            service(state, "package")["phase"] == "down"
        })
        .await;
    let package = service(&state, "package");
    assert_eq!(package["crashes"], 1);
    assert!(
        package["trouble"].as_str().unwrap().contains("about to crash"),
        "{package}"
    );
    assert_eq!(service(&state, "web")["phase"], "ready", "others go on");
    bench.until_ready("shop").await;
    assert_eq!(fetch(address, "/", &[]).await.unwrap().1, "package-baseline in-");
    assert_eq!(bench.state().await.services[1].trouble, "");
}

#[tokio::test]
async fn what_cannot_start_is_named_and_the_rest_goes_on() {
    let bench = Bench::new().await;
    for name in ["package", "web", "gone", "broken"] {
        bench.put_service(name, name);
    }
    let mut workspace = bench.workspace(&["package", "web", "gone", "broken"]);
    workspace.services[1].program.run = vec!["no-such-toolchain".to_owned()];
    workspace.services[2].folder = bench.project("not-there");
    put_file(
        &bench.project("broken").join("server.py"),
        "print('no luck', flush=True)\nraise SystemExit(3)\n",
    );
    bench.put(&workspace).await;
    let state = bench
        .until_state("shop", "end of the start", |state| {
            service(state, "package")["phase"] == "ready" && service(state, "broken")["phase"] == "failed"
        })
        .await;
    let missing = service(&state, "web");
    assert_eq!(missing["phase"], "missing");
    assert!(
        missing["trouble"]
            .as_str()
            .unwrap()
            .contains("`no-such-toolchain` is not in PATH")
    );
    let gone = service(&state, "gone");
    assert_eq!(gone["phase"], "failed");
    assert!(gone["trouble"].as_str().unwrap().contains("not-there"), "{gone}");
    let broken = service(&state, "broken")["trouble"].as_str().unwrap();
    assert!(
        broken.contains("exit code 3") && broken.contains("no luck"),
        "{broken}"
    );
}

#[tokio::test]
async fn an_agent_that_is_killed_comes_back_with_its_program() {
    let (bench, state) = Bench::ready().await;
    let package = port_of(&state.services[1].url);
    let agents: Vec<u32> = processes::all()
        .into_iter()
        .filter(|process| process.parent == bench.pid())
        .map(|process| process.pid)
        .collect();
    assert_eq!(agents.len(), 2);
    for pid in agents {
        processes::of(pid).unwrap().signal(Signal::KILL);
    }
    bench
        .until_state("shop", "death", |state| {
            service(state, "package")["phase"] != "ready"
        })
        .await;
    bench.until_ready("shop").await;
    assert_eq!(fetch(package, "/", &[]).await.unwrap().1, "package-baseline in-");
    assert_eq!(
        bench.processes().len(),
        4,
        "two agents, two programs: {:?}",
        bench.processes()
    );
}

#[tokio::test]
async fn after_a_kill_everything_comes_back_at_the_same_addresses() {
    let (mut bench, before) = Bench::ready().await;
    let red = bench.up("red", "package", "package-red").await;
    let space = bench.client.get("/v1/spaces/shop/red").await;
    drop(red);
    let old = bench.processes();
    assert_eq!(old.len(), 6, "three agents, three programs");
    bench.kill().await;
    bench.start().await;
    let left: Vec<u32> = bench
        .processes()
        .into_iter()
        .filter(|pid| old.contains(pid))
        .collect();
    assert_eq!(left, NONE, "nothing of the killed daemon is left");
    bench.until_ready("shop").await;
    let after = bench.state().await;
    assert_eq!(after.url, before.url);
    assert_eq!(after.services[1].url, before.services[1].url);
    let path = "/v1/servicecopies/devspace-shop--red/package/watch";
    let copy = bench.until_line(path, "routed copy", is_routed).await;
    assert_eq!(copy["status"]["pod"]["name"], "package-2");
    assert_eq!(
        bench.client.get("/v1/spaces/shop/red").await["status"]["urls"],
        space["status"]["urls"]
    );
    let own = port_of(space["status"]["urls"][1].as_str().unwrap());
    let package = port_of(&after.services[1].url);
    assert_eq!(fetch(own, "/", &[]).await.unwrap().1, "web-baseline in-");
    let key = [("devspace-route-as", "red")];
    assert_eq!(fetch(package, "/", &key).await.unwrap().1, "package-red in-red");
}

#[tokio::test]
async fn programs_whose_agents_were_killed_with_the_daemon_are_ended_by_the_next_start() {
    let (mut bench, _state) = Bench::ready().await;
    let all = processes::all();
    let agents: Vec<_> = all
        .iter()
        .filter(|process| process.parent == bench.pid())
        .collect();
    // Stopped, they cannot do what they do when the daemon is gone.
    for agent in &agents {
        agent.signal(Signal::STOP);
    }
    bench.kill().await;
    for agent in &agents {
        agent.signal(Signal::KILL);
    }
    let gone =
        |agent: &&processes::Process| processes::of(agent.pid).is_none_or(|process| process.is_zombie());
    bench
        .until("end of the agents", async || {
            agents.iter().all(gone).then_some(())
        })
        .await;
    let orphans = bench.processes();
    assert_eq!(orphans.len(), 2, "the programs run on");
    bench.start().await;
    let left: Vec<u32> = bench
        .processes()
        .into_iter()
        .filter(|pid| orphans.contains(pid))
        .collect();
    assert_eq!(left, NONE);
    bench.until_ready("shop").await;
}

#[tokio::test]
async fn a_stop_leaves_no_process_even_of_one_that_hides() {
    let bench = Bench::new().await;
    bench.put_service("package", "package");
    let mut workspace = bench.workspace(&["package"]);
    // It leaves the program's group and session, and ignores being asked to end.
    let hide = "import os, signal, sys\nif os.fork() == 0:\n    os.setsid()\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    open('hidden', 'w').close()\n    signal.pause()\n";
    let server = std::fs::read_to_string(bench.project("package").join("server.py")).unwrap();
    put_file(
        &bench.project("package").join("server.py"),
        &format!("{hide}{server}"),
    );
    workspace.services[0].program.restart = Some(Vec::new());
    bench.put(&workspace).await;
    bench.until_ready("shop").await;
    let hidden = bench
        .state_folder()
        .join("workspaces/shop/services/package/root/app/hidden");
    bench
        .until("the hidden process", async || hidden.exists().then_some(()))
        .await;
    assert_eq!(
        bench.processes().len(),
        3,
        "agent, program, and the one that hides"
    );
    let mut bench = bench;
    bench.stop().await;
    assert_eq!(bench.processes(), NONE);
    assert!(!bench.state_folder().join("socket").exists());
    // A second start is none of the first one's business.
    bench.start().await;
    bench.until_ready("shop").await;
    bench
        .client
        .ok(Method::DELETE, "/v1/workspaces/shop", Value::Null)
        .await;
    assert_eq!(bench.processes(), NONE);
    assert!(!bench.state_folder().join("workspaces/shop").exists());
}
