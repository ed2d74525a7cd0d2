//! The verbs beside `up`: what they show of copies, and how an admin takes Services out of interception.

use std::time::Duration;

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::product::{CONTROLLER, NAMESPACE};
use devspace_e2e::harness::traffic::{full, keyless, plan};
use devspace_e2e::harness::{ClientPod, Developer, Scope, baseline, nonce, objects, scope, wait};
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

async fn copies(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, SERVICES).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    let versions = [nonce(), nonce()];
    let folders = [
        echo_folder("front", &versions[0])?,
        echo_folder("back", &versions[1])?,
    ];
    let here = folders[0].path();
    let place = ["-s", "red", "-b", app.namespace.as_str()];
    let with = |verb: &[&str], more: &[&str]| -> Vec<String> {
        let all = [verb, &place, more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let run = async |verb: &[&str], more: &[&str]| {
        let arguments = with(verb, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        caller.ok(here, &arguments).await
    };

    let paths = [folders[0].path(), folders[1].path()].map(|path| path.to_string_lossy().into_owned());
    run(&["up"], &["--detach", &paths[0], &paths[1]]).await?;
    for (service, version) in SERVICES.iter().zip(&versions) {
        let request = keyed(&app.request(scope, service, "/").await?, "red");
        let response = client.request(&request).await?;
        ensure!(response.body.contains(version), "{service} answers {response:?}");
    }
    scope.say("one `up` of two folders: both answer in red");

    let status = run(&["status"], &[]).await?;
    let ready = |service: &str| {
        status
            .iter()
            .any(|event| event.text("service") == service && event.text("phase") == "ready")
    };
    ensure!(ready("front") && ready("back"), "status says {status:?}");
    let logs = run(&["logs"], &["--service", "back"]).await?;
    ensure!(!logs.is_empty(), "the copy's log is empty");
    let (said, _) = caller
        .run(
            here,
            &[
                "exec",
                "-s",
                "red",
                "-b",
                &app.namespace,
                "--service",
                "back",
                "--",
                "/e2e-pod",
                "no-such-verb",
            ],
        )
        .await?;
    ensure!(
        said.code == 2 && said.stderr.contains("no-such-verb"),
        "exec passes on code and output of the command: {said:?}"
    );

    run(&["down"], &["back"]).await?;
    let request = keyed(&app.request(scope, "back", "/").await?, "red");
    wait::until(
        Duration::from_secs(20),
        "back of red is the baseline's",
        async || {
            let response = client.request(&request).await?;
            ensure!(
                !response.body.contains(&versions[1]),
                "red still answers {response:?}"
            );
            Ok(())
        },
    )
    .await?;
    let request = keyed(&app.request(scope, "front", "/").await?, "red");
    let response = client.request(&request).await?;
    ensure!(response.body.contains(&versions[0]), "front answers {response:?}");
    scope.say("after `down back` the other copy answers as before");
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
