//! Parts of ours and of the cluster die one at a time under load, and those without a key do not notice.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devspace_api::names::ROUTER_LABEL;
use devspace_e2e::clock::{now_us, seconds};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::folder::Folder;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::product::{CONTROLLER, CONTROLLER_PODS, NAMESPACE};
use devspace_e2e::harness::traffic::{self, full, keyless, plan};
use devspace_e2e::harness::{ClientPod, Developer, Scope, baseline, nonce, objects, scope, wait};
use devspace_e2e::wire::{Plan, Report};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;

use crate::up::{Up, up};

/// How long a part may take to be whole again.
const WHOLE: Duration = Duration::from_secs(60);
/// Requests that must pass after each kill, besides those while it is mended: two seconds of the full load.
const AFTER: u64 = 440;

#[tokio::test]
async fn nobody_without_a_key_notices_a_death() -> Result<()> {
    scope::run("nobody_without_a_key_notices_a_death", Gate::Alone, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, &["back"]).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    let red = nonce();
    let folder = echo_folder("back", &red)?;
    let mut running = up(scope, &caller, &app, "red", folder.path()).await?;
    let request = app.request(scope, "back", "/").await?;
    let load = plan([full("keyless", request.clone(), keyless(&[&red]))]);
    let answers_red = async || {
        let response = client.request(&keyed(&request, "red")).await?;
        ensure!(response.body.contains(&red), "red sees {response:?}");
        Ok(())
    };

    scope.say("the controller is killed");
    client.start_load(&load).await?;
    kill_controller(scope).await?;
    client.after(AFTER).await?;
    client.stop_load(scope).await?;

    scope.say("the agent's container is killed");
    client.start_load(&load).await?;
    kill_agent(scope, &app).await?;
    wait::until(WHOLE, "red is answered by its copy again", answers_red).await?;
    client.after(AFTER).await?;
    client.stop_load(scope).await?;

    scope.say("the API server is killed");
    client.start_load(&load).await?;
    scope.cluster.restart("kube-apiserver").await?;
    client.after(AFTER).await?;
    client.stop_load(scope).await?;
    wait::until(
        WHOLE,
        "red is answered by its copy after the API server came back",
        answers_red,
    )
    .await?;
    goes_on(scope, &app, &caller, &folder, &mut running).await?;
    let response = client.request(&keyed(&request, "red")).await?;
    let later = folder.read("version.txt")?;
    ensure!(
        response.body.contains(&later),
        "after the API server came back a save is not seen: {response:?}"
    );

    scope.say("a router pod is deleted");
    client.start_load(&load).await?;
    delete_router(scope, &app).await?;
    client.after(AFTER).await?;
    client.stop_load(scope).await?;

    scope.say("a router's container is killed with -9");
    kill_router(scope, &client, &app, &load).await
}

/// After the API server came back the running `up` follows its folder, and what is asked for is done as before: every
/// watch was taken up again.
async fn goes_on(scope: &Scope, app: &App, caller: &Caller, folder: &Folder, running: &mut Up) -> Result<()> {
    folder.write("version.txt", &nonce())?;
    running.live().await?;
    baseline::enable(scope, &app.namespace, &["back"], "other.example.test").await?;
    let blue = [
        "up",
        "-s",
        "blue",
        "-b",
        &app.namespace,
        "--detach",
        "--timeout",
        "60s",
    ];
    caller.ok(folder.path(), &blue).await.map(drop)
}

async fn kill_controller(scope: &Scope) -> Result<()> {
    let pods = objects::pods(&scope.cluster.client, NAMESPACE, CONTROLLER_PODS).await?;
    ensure!(!pods.is_empty(), "no controller pod is found");
    for pod in &pods {
        let container = first_container(pod)?;
        scope
            .cluster
            .kill_container(&objects::container_id(pod, &container)?)
            .await?;
    }
    objects::rolled_out(&scope.cluster.client, NAMESPACE, CONTROLLER, WHOLE).await
}

async fn kill_agent(scope: &Scope, app: &App) -> Result<()> {
    let personal = format!("devspace-{}--red", app.namespace);
    let pods = objects::pods(&scope.cluster.client, &personal, "devspace.dev/copy=back").await?;
    let pod = pods.first().context("the copy has no pod")?;
    scope
        .cluster
        .kill_container(&objects::container_id(pod, "echo")?)
        .await
}

async fn routers(scope: &Scope, app: &App) -> Result<Vec<Pod>> {
    objects::pods(
        &scope.cluster.client,
        &app.namespace,
        &format!("{ROUTER_LABEL}=true"),
    )
    .await
}

async fn delete_router(scope: &Scope, app: &App) -> Result<()> {
    let pods = routers(scope, app).await?;
    let victim = pods.first().context("there is no router")?;
    let (name, uid) = (
        objects::name(victim),
        victim.metadata.uid.clone().unwrap_or_default(),
    );
    let api: Api<Pod> = Api::namespaced(scope.cluster.client.clone(), &app.namespace);
    let began = now_us();
    api.delete(name, &DeleteParams::default()).await?;
    let gone = kube::runtime::conditions::is_deleted(&uid);
    wait::object(api, name, WHOLE, "the router's pod is gone", gone).await?;
    objects::rolled_out(
        &scope.cluster.client,
        &app.namespace,
        devspace_api::names::ROUTER_NAME,
        WHOLE,
    )
    .await?;
    scope.say(format!("gone and replaced in {:.2} s", seconds(now_us() - began)));
    Ok(())
}

/// What is in flight in the router, its open connections, and connections sent to it until Kubernetes takes it out may
/// fail. The numbers are printed; afterwards everything must pass.
async fn kill_router(scope: &Scope, client: &ClientPod, app: &App, load: &Plan) -> Result<()> {
    client.start_load(load).await?;
    client.after(AFTER).await?;
    let pods = routers(scope, app).await?;
    let victim = pods.first().context("there is no router")?;
    let container = objects::container_id(victim, &first_container(victim)?)?;
    let killed_us = now_us();
    scope.cluster.kill_container(&container).await?;
    let api: Api<Pod> = Api::namespaced(scope.cluster.client.clone(), &app.namespace);
    let started = |pod: Option<&Pod>| {
        let id = |pod: &Pod| first_container(pod).and_then(|name| objects::container_id(pod, &name));
        pod.is_some_and(|pod| objects::is_ready(pod) && id(pod).is_ok_and(|now| now != container))
    };
    wait::object(
        api,
        objects::name(victim),
        WHOLE,
        "the router's container is ready again",
        started,
    )
    .await?;
    let whole_us = now_us();
    client.after(AFTER).await?;
    let report = client.end_load(scope).await?;
    numbers(scope, &report, killed_us, whole_us)
}

fn numbers(scope: &Scope, report: &Report, killed_us: u64, whole_us: u64) -> Result<()> {
    let keyless = traffic::target(report, "keyless")?;
    let last = keyless.failed_us.iter().max().copied().unwrap_or(killed_us);
    scope.say(format!(
        "killed with -9: {} of {} requests failed, the last was sent {:.2} s after the kill; the container was ready again after {:.2} s",
        keyless.failed(),
        keyless.done,
        seconds(last.saturating_sub(killed_us)),
        seconds(whole_us - killed_us),
    ));
    let early = keyless
        .failed_us
        .iter()
        .filter(|&&sent| sent + 5_000_000 < killed_us)
        .count();
    let late = keyless.failed_us.iter().filter(|&&sent| sent > whole_us).count();
    ensure!(
        early == 0 && late == 0,
        "{early} requests failed before the kill and {late} after the router was whole"
    );
    ensure!(
        !keyless.failures.contains_key("leak"),
        "a request without a key was served by a copy"
    );
    traffic::reached(keyless)
}

fn first_container(pod: &Pod) -> Result<String> {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    containers
        .first()
        .map(|container| container.name.clone())
        .context("the pod has no container")
}
