//! What happens to a running `up`: a build that fails, a program that exits, a second `up`, a killed command, a deleted pod.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::{ClientPod, Developer, Scope, nonce, objects, scope, wait};
use devspace_e2e::wire::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::DeleteParams;

use crate::up::{SAVE, Up, up};

struct Setting {
    app: App,
    client: ClientPod,
    caller: Caller,
    // Holds the kubeconfig that the caller uses.
    _developer: Developer,
    request: Request,
}

impl Setting {
    async fn new(scope: &Scope) -> Result<Self> {
        let app = App::echo(scope, &["back"]).await?;
        let client = ClientPod::start(scope).await?;
        let developer = Developer::new(scope, &app.namespace, "rosa").await?;
        let request = keyed(&app.request(scope, "back", "/").await?, "red");
        Ok(Self {
            app,
            client,
            caller: Caller::developer(&developer),
            _developer: developer,
            request,
        })
    }

    async fn sees(&self, version: &str) -> Result<()> {
        let response = self.client.request(&self.request).await?;
        ensure!(
            response.status == 200 && response.body.contains(version),
            "red sees {response:?}, not {version}"
        );
        Ok(())
    }
}

#[tokio::test]
async fn a_failed_build_leaves_the_program_and_an_exit_is_told() -> Result<()> {
    scope::run(
        "a_failed_build_leaves_the_program_and_an_exit_is_told",
        Gate::Shared,
        builds_and_exits,
    )
    .await
}

async fn builds_and_exits(scope: &Scope) -> Result<()> {
    let setting = Setting::new(scope).await?;
    let (first, second) = (nonce(), nonce());
    let folder = echo_folder("back", &first)?;
    let mut running = up(scope, &setting.caller, &setting.app, "red", folder.path()).await?;

    folder.write("version.txt", "an error of mine")?;
    let failed = running.devspace.event("build_failed", SAVE).await?;
    ensure!(
        failed
            .value
            .to_string()
            .contains("syntax error: an error of mine"),
        "the build's error is {failed:?}"
    );
    setting.sees(&first).await?;
    scope.say("a failed build: the program that ran answers");

    folder.write("version.txt", &second)?;
    running.live().await?;
    setting.sees(&second).await?;

    folder.write("version.txt", "the last words\nexit 7")?;
    let exited = running.devspace.event("exited", SAVE).await?;
    ensure!(
        exited.value.to_string().contains("the last words"),
        "the exit is {exited:?}"
    );
    // The router waits for the copy's own hold time before it gives up.
    let patient = Request {
        limit_seconds: 40,
        ..setting.request.clone()
    };
    let down = async || {
        let response = setting.client.request(&patient).await?;
        let named = ["red", "back", "devspace"]
            .iter()
            .all(|word| response.body.contains(word));
        ensure!(
            response.status == 503 && named,
            "a dead copy answers {response:?}"
        );
        Ok(response.body)
    };
    let page = wait::until(Duration::from_secs(90), "a dead copy answers 503", down).await?;
    scope.say(format!("a dead copy answers 503: {}", page.trim()));

    let third = nonce();
    folder.write("version.txt", &third)?;
    running.live().await?;
    wait::until(Duration::from_secs(20), "the next save is answered", async || {
        setting.sees(&third).await
    })
    .await
}

#[tokio::test]
async fn a_second_up_takes_over_and_a_killed_one_is_continued() -> Result<()> {
    scope::run(
        "a_second_up_takes_over_and_a_killed_one_is_continued",
        Gate::Shared,
        takeover,
    )
    .await
}

async fn takeover(scope: &Scope) -> Result<()> {
    let setting = Setting::new(scope).await?;
    let (first, second, third) = (nonce(), nonce(), nonce());
    let folder = echo_folder("back", &first)?;
    let mut one = up(scope, &setting.caller, &setting.app, "red", folder.path()).await?;

    let mut two = up(scope, &setting.caller, &setting.app, "red", folder.path()).await?;
    let (code, events) = one.devspace.ended(SAVE).await?;
    let told = events.iter().find(|event| event.name() == "taken_over");
    scope.say(format!("the first up ended with {code} and said {told:?}"));
    ensure!(
        told.is_some() && code == 1,
        "the first up ended with {code}: {events:?}"
    );
    folder.write("version.txt", &second)?;
    two.live().await?;
    setting.sees(&second).await?;

    two.devspace.kill().await?;
    setting.sees(&second).await?;
    folder.write("version.txt", &third)?;
    let mut three = up(scope, &setting.caller, &setting.app, "red", folder.path()).await?;
    setting.sees(&third).await?;
    let fourth = nonce();
    folder.write("version.txt", &fourth)?;
    three.live().await?;
    setting.sees(&fourth).await?;
    detach(&mut three).await?;
    setting.sees(&fourth).await?;
    scope.say("after kill -9 and after ctrl-c the copy runs on");
    Ok(())
}

async fn detach(up: &mut Up) -> Result<()> {
    up.devspace.interrupt()?;
    let (code, _) = up.devspace.ended(SAVE).await?;
    ensure!(code == 0, "ctrl-c ended with {code}");
    Ok(())
}

#[tokio::test]
async fn a_deleted_pod_comes_back_with_the_folder() -> Result<()> {
    scope::run(
        "a_deleted_pod_comes_back_with_the_folder",
        Gate::Shared,
        deleted_pod,
    )
    .await
}

async fn deleted_pod(scope: &Scope) -> Result<()> {
    let setting = Setting::new(scope).await?;
    let version = nonce();
    let folder = echo_folder("back", &version)?;
    let mut running = up(scope, &setting.caller, &setting.app, "red", folder.path()).await?;

    let personal = format!("devspace-{}--red", setting.app.namespace);
    let api: Api<Pod> = Api::namespaced(scope.cluster.client.clone(), &personal);
    let pods = objects::pods(&scope.cluster.client, &personal, "devspace.dev/copy=back").await?;
    let name = objects::name(pods.first().context("the copy has no pod")?).to_owned();
    api.delete(&name, &DeleteParams::default()).await?;
    // What is saved while there is no pod is in it when it is back.
    let later = nonce();
    folder.write("notes/while-away.md", &later)?;
    running
        .devspace
        .event("reconnected", Duration::from_secs(60))
        .await?;
    let equal = running.devspace.event("in_sync", Duration::from_secs(60)).await?;
    scope.say(format!(
        "back and proven equal at revision {}",
        equal.number("revision")
    ));
    wait::until(Duration::from_secs(30), "the copy answers again", async || {
        setting.sees(&version).await
    })
    .await?;
    let last = nonce();
    folder.write("version.txt", &last)?;
    running.live().await?;
    setting.sees(&last).await
}
