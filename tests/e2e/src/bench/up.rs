//! How long a warm `devspace up` takes, and whose time it is.
//!
//! All times are of one clock: that of the machine on which client, kubelet and agent run.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::{WatchStreamExt, watcher};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::median::median;
use crate::clock::{now_us, seconds};
use crate::harness::app::{App, keyed};
use crate::harness::cluster::repository;
use crate::harness::devspace::Caller;
use crate::harness::folder::Folder;
use crate::harness::gate::Gate;
use crate::harness::{ClientPod, Developer, Scope, say, scope, wait};

/// From the command's start to requests that reach the copy.
const TOTAL_BAR: f64 = 5.0;
/// Of it what is ours.
const OWN_BAR: f64 = 1.0;
/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(120);

/// One run, in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Run {
    /// From the start of `devspace up` to its report that requests reach the copy.
    total: f64,
    /// From the start to the pod object.
    to_pod_object: f64,
    /// From the pod object to an agent that answers: scheduler, kubelet, runtime, network.
    pod_start: f64,
    /// From an agent that answers to the files in the copy.
    sync: f64,
    /// The build; 0 where none was due.
    build: f64,
    /// From the program's start, or the agent's answer where it was started before, to all its ports.
    program_start: f64,
    /// From a live program to all routers.
    route: f64,
    /// All but pod start, build and the program's own start.
    own: f64,
}

#[derive(Serialize)]
struct Results {
    what: &'static str,
    unit: &'static str,
    total_bar: f64,
    own_bar: f64,
    median: Run,
    runs: Vec<Run>,
}

pub(super) async fn run(runs: usize, results: &Path) -> Result<ExitCode> {
    let mut measured = Vec::new();
    let body = async |scope: &Scope| measure(scope, runs, &mut measured).await;
    scope::run("bench-up", Gate::Alone, body).await?;
    ensure!(!measured.is_empty(), "nothing was measured");
    let of = |part: fn(&Run) -> f64| median(measured.iter().map(part));
    let middle = Run {
        total: of(|run| run.total),
        to_pod_object: of(|run| run.to_pod_object),
        pod_start: of(|run| run.pod_start),
        sync: of(|run| run.sync),
        build: of(|run| run.build),
        program_start: of(|run| run.program_start),
        route: of(|run| run.route),
        own: of(|run| run.own),
    };
    for run in &measured {
        say(line("run", run));
    }
    say(line("median", &middle));
    let good = middle.total < TOTAL_BAR && middle.own < OWN_BAR;
    let verdict = if good { "within" } else { "over" };
    say(format!(
        "{verdict} the bars: total {TOTAL_BAR} s, own part {OWN_BAR} s"
    ));
    let what = "warm devspace up of the sample's package";
    let all = Results {
        what,
        unit: "s",
        total_bar: TOTAL_BAR,
        own_bar: OWN_BAR,
        median: middle,
        runs: measured,
    };
    if let Some(folder) = results.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(results, format!("{}\n", serde_json::to_string_pretty(&all)?))
        .with_context(|| format!("cannot write {}", results.display()))?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn line(name: &str, run: &Run) -> String {
    format!(
        "{name:>6}: total {:.2}, own {:.2} (pod object {:.2}, sync {:.2}, route {:.2}), pod start {:.2}, build {:.2}, program start {:.2}",
        run.total,
        run.own,
        run.to_pod_object,
        run.sync,
        run.route,
        run.pod_start,
        run.build,
        run.program_start
    )
}

async fn measure(scope: &Scope, runs: usize, measured: &mut Vec<Run>) -> Result<()> {
    let app = App::delivery(scope).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    let folder = Folder::copied(&repository().join("samples/delivery/services/package"), "")?;
    caller
        .ok(
            folder.path(),
            &["space", "create", "red", "-b", &app.namespace, "--wait"],
        )
        .await?;
    let personal = format!("devspace-{}--red", app.namespace);
    let mut pods = watch(scope, &personal);
    let summary = app
        .request(scope, "package", "/api/packages/summary/owner-1")
        .await?;
    for number in 0..=runs {
        let run = one(&caller, &app, &folder, &mut pods).await?;
        let response = client.request(&keyed(&summary, "red")).await?;
        let served_by = response
            .headers
            .get("devspace-served-by")
            .cloned()
            .unwrap_or_default();
        ensure!(
            served_by.contains("red"),
            "after up a request of red is served by `{served_by}`"
        );
        caller
            .ok(folder.path(), &["down", "-s", "red", "-b", &app.namespace])
            .await?;
        gone(scope, &personal).await?;
        if number > 0 {
            measured.push(run);
        }
    }
    Ok(())
}

/// Waits until the pod of the run before is gone: an `up` right after a `down` also waits for the old pod to end.
async fn gone(scope: &Scope, namespace: &str) -> Result<()> {
    let api: Api<Pod> = Api::namespaced(scope.cluster.client.clone(), namespace);
    wait::until(LIMIT, "the copy's pod is gone", async || {
        let left = api.list(&ListParams::default()).await?.items.len();
        ensure!(left == 0, "{left} pods are there");
        Ok(())
    })
    .await
}

async fn one(caller: &Caller, app: &App, folder: &Folder, pods: &mut Pods) -> Result<Run> {
    let began = now_us();
    let mut up = caller.start(
        folder.path(),
        &["up", "-s", "red", "-b", &app.namespace, "--detach"],
    )?;
    let (code, events) = up.ended(LIMIT).await?;
    ensure!(code == 0, "devspace up ended with {code}: {events:?}");
    let at = |name: &str| {
        let event = events.iter().find(|event| event.name() == name);
        event
            .map(|event| event.at_us)
            .with_context(|| format!("no event `{name}` in {events:?}"))
    };
    let created = pods.created_after(began).await?;
    let (answers, done) = (at("pod")?, at("up")?);
    // The agent starts the program from its volume by itself, and may have done so before it is asked.
    let live = at("live").unwrap_or(answers).max(answers);
    let synced = at("synced").unwrap_or(answers).max(answers);
    // Then nobody tells of the start. From the agent's answer on only the program itself is waited for.
    let starting = at("starting").unwrap_or(answers);
    let built = events.iter().find(|event| event.name() == "built");
    let between = |from: u64, to: u64| seconds(to.saturating_sub(from));
    let (pod_start, program_start) = (between(created, answers), between(starting, live));
    let build = built.map_or(0.0, |event| event.seconds("seconds"));
    let total = between(began, done);
    Ok(Run {
        total,
        to_pod_object: between(began, created),
        pod_start,
        sync: between(answers, synced),
        build,
        program_start,
        route: between(live, done),
        own: total - pod_start - build - program_start,
    })
}

/// When pods of a namespace were made.
struct Pods {
    created: mpsc::Receiver<u64>,
    _watch: JoinSet<()>,
}

impl Pods {
    async fn created_after(&mut self, began: u64) -> Result<u64> {
        loop {
            let next = timeout(LIMIT, self.created.recv())
                .await
                .context("no pod was made")?;
            let created = next.context("the watch of pods ended")?;
            if created >= began {
                return Ok(created);
            }
        }
    }
}

fn watch(scope: &Scope, namespace: &str) -> Pods {
    let (sender, created) = mpsc::channel(256);
    let api: Api<Pod> = Api::namespaced(scope.cluster.client.clone(), namespace);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut known = std::collections::BTreeSet::new();
        let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
        while let Some(event) = events.next().await {
            let Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) = event else {
                continue;
            };
            let is_new = pod.metadata.uid.is_some_and(|uid| known.insert(uid));
            if is_new && sender.send(now_us()).await.is_err() {
                break;
            }
        }
    });
    Pods {
        created,
        _watch: task,
    }
}
