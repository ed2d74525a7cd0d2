//! The verbs beside `up`: what they show of copies, and how an admin takes Services out of interception.

use std::time::Duration;

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::folder::Folder;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::product::{CONTROLLER, NAMESPACE};
use devspace_e2e::harness::traffic::{full, keyless, plan};
use devspace_e2e::harness::{ClientPod, Developer, Event, Scope, baseline, nonce, objects, scope, wait};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

const SERVICES: &[&str] = &["front", "back"];
/// A put-back Service keeps its record for 30 s, so that routers know the listener of late connections.
const FORGOTTEN: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_developer_sees_and_ends_their_copies() -> Result<()> {
    scope::run("a_developer_sees_and_ends_their_copies", Gate::Shared, copies).await
}

/// A developer's space with two services up.
struct Copies {
    app: App,
    client: ClientPod,
    caller: Caller,
    versions: [String; 2],
    folders: [Folder; 2],
    // Holds the kubeconfig that the caller uses.
    _developer: Developer,
}

impl Copies {
    /// Runs a verb about the space, in the first service's folder.
    async fn run(&self, verb: &str, more: &[&str]) -> Result<Vec<Event>> {
        let place = [verb, "-s", "red", "-b", &self.app.namespace];
        self.caller
            .ok(self.folders[0].path(), &[&place, more].concat())
            .await
    }

    /// What a service answers in the space.
    async fn answer(&self, scope: &Scope, service: &str) -> Result<String> {
        let request = keyed(&self.app.request(scope, service, "/").await?, "red");
        Ok(self.client.request(&request).await?.body)
    }
}

async fn copies(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, SERVICES).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let versions = [nonce(), nonce()];
    let copies = Copies {
        app,
        client: ClientPod::start(scope).await?,
        caller: Caller::developer(&developer),
        folders: [
            echo_folder("front", &versions[0])?,
            echo_folder("back", &versions[1])?,
        ],
        versions,
        _developer: developer,
    };
    let paths = copies
        .folders
        .each_ref()
        .map(|folder| folder.path().to_string_lossy().into_owned());
    copies.run("up", &["--detach", &paths[0], &paths[1]]).await?;
    for (service, version) in SERVICES.iter().zip(&copies.versions) {
        let body = copies.answer(scope, service).await?;
        ensure!(body.contains(version), "{service} answers {body}");
    }
    scope.say("one `up` of two folders: both answer in red");
    shown(&copies).await?;

    copies.run("down", &["back"]).await?;
    let gone = async || {
        let body = copies.answer(scope, "back").await?;
        ensure!(!body.contains(&copies.versions[1]), "red still answers {body}");
        Ok(())
    };
    wait::until(Duration::from_secs(20), "back of red is the baseline's", gone).await?;
    let body = copies.answer(scope, "front").await?;
    ensure!(body.contains(&copies.versions[0]), "front answers {body}");
    scope.say("after `down back` the other copy answers as before");
    Ok(())
}

/// `status`, `logs` and `exec`.
async fn shown(copies: &Copies) -> Result<()> {
    let status = copies.run("status", &[]).await?;
    for service in SERVICES {
        let is_ready = |event: &Event| event.text("service") == *service && event.text("phase") == "ready";
        ensure!(status.iter().any(is_ready), "status says {status:?}");
    }
    let logs = copies.run("logs", &["--service", "back"]).await?;
    ensure!(!logs.is_empty(), "the copy's log is empty");
    let wrong = [
        "exec",
        "-s",
        "red",
        "-b",
        &copies.app.namespace,
        "--service",
        "back",
        "--",
        "/e2e-pod",
        "no-such-verb",
    ];
    let (said, _) = copies.caller.run(copies.folders[0].path(), &wrong).await?;
    ensure!(
        said.code == 2 && said.stderr.contains("no-such-verb"),
        "exec does not pass on code and output of the command: {said:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_admin_takes_services_out() -> Result<()> {
    scope::run("an_admin_takes_services_out", Gate::Alone, admin).await
}

async fn admin(scope: &Scope) -> Result<()> {
    let app = App::plain_echo(scope, SERVICES).await?;
    let before = baseline::snapshot(scope, &app.namespace, SERVICES).await?;
    baseline::enable(scope, &app.namespace, SERVICES, &app.host).await?;
    let client = ClientPod::start(scope).await?;
    let home = tempfile::tempdir()?;
    let admin = Caller::new(scope.cluster.kubeconfig(), home.path());
    let request = app.request(scope, "back", "/").await?;
    client
        .start_load(&plan([full("keyless", request, keyless(&[]))]))
        .await?;
    let is_as_before = async || {
        let now = baseline::snapshot(scope, &app.namespace, SERVICES).await?;
        ensure!(now == before, "the Services were\n{before:#?}\nand are\n{now:#?}");
        Ok(())
    };

    admin
        .ok(
            home.path(),
            &["baseline", "disable", "-b", &app.namespace, "--all"],
        )
        .await?;
    wait::until(FORGOTTEN, "disabled Services are as before", is_as_before).await?;
    scope.say("`baseline disable`: the Services are as before");

    baseline::enable(scope, &app.namespace, SERVICES, &app.host).await?;
    controller(scope, 0).await?;
    let planned = admin
        .ok(
            home.path(),
            &["baseline", "restore", "-b", &app.namespace, "--plan"],
        )
        .await?;
    for service in SERVICES {
        let told = planned.iter().any(|event| event.text("service") == *service);
        ensure!(told, "`restore --plan` does not name {service}: {planned:?}");
        baseline::intercepted(scope, &app.namespace, service).await?;
    }
    admin
        .ok(
            home.path(),
            &["baseline", "restore", "-b", &app.namespace, "--finalizers"],
        )
        .await?;
    is_as_before().await?;
    scope.say("`baseline restore` with no controller: the Services are as before");
    client.after(200).await?;
    client.stop_load(scope).await?;
    controller(scope, 2).await
}

/// Sets how many controllers run and waits until it is so.
async fn controller(scope: &Scope, replicas: i32) -> Result<()> {
    let api: Api<Deployment> = Api::namespaced(scope.cluster.client.clone(), NAMESPACE);
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    api.patch(CONTROLLER, &PatchParams::default(), &patch).await?;
    objects::rolled_out(
        &scope.cluster.client,
        NAMESPACE,
        CONTROLLER,
        Duration::from_secs(60),
    )
    .await
}
