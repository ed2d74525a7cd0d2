//! Bad input and a bad cluster: `devspace` says what is wrong and what to do, with the right exit code.

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::folder::Folder;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::{Developer, Scope, scope};

#[tokio::test]
async fn refusals_name_what_is_wrong() -> Result<()> {
    scope::run("refusals_name_what_is_wrong", Gate::Shared, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, &["front", "back"]).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let caller = Caller::developer(&developer);
    let up = [
        "up",
        "-s",
        "red",
        "-b",
        &app.namespace,
        "--detach",
        "--timeout",
        "90s",
    ];

    let misspelt = echo_folder("bakc", "x")?;
    fails(scope, &caller, &misspelt, &up, 1, &["bakc", "back"]).await?;

    let no_image = Folder::new(&[(
        "devspace.yaml",
        "devspace: 1\nservice: back\nimage: devspace.test/not-there:dev\nrun: [/e2e-pod, echo]\n",
    )])?;
    fails(
        scope,
        &caller,
        &no_image,
        &up,
        3,
        &["devspace.test/not-there:dev"],
    )
    .await?;
    caller
        .ok(no_image.path(), &["down", "-s", "red", "-b", &app.namespace])
        .await?;

    let exits = echo_folder("back", "the last words\nexit 7")?;
    fails(scope, &caller, &exits, &up, 3, &["the last words", "7"]).await?;
    caller
        .ok(exits.path(), &["down", "-s", "red", "-b", &app.namespace])
        .await?;

    let broken = echo_folder("front", "an error of mine")?;
    fails(
        scope,
        &caller,
        &broken,
        &up,
        3,
        &["syntax error: an error of mine"],
    )
    .await?;

    wrong_places(scope, &app, &developer).await?;
    wrong_folders(scope, &caller, &up).await
}

/// No rights, no baseline, no kubeconfig.
async fn wrong_places(scope: &Scope, app: &App, developer: &Developer) -> Result<()> {
    let up = [
        "up",
        "-s",
        "red",
        "-b",
        &app.namespace,
        "--detach",
        "--timeout",
        "90s",
    ];
    let nobody = Developer::without_rights(scope, "nobody").await?;
    let folder = echo_folder("back", "x")?;
    fails(
        scope,
        &Caller::developer(&nobody),
        &folder,
        &up,
        1,
        &["baselines"],
    )
    .await?;

    let elsewhere = scope.namespace("empty").await?;
    let admin = Caller::new(scope.cluster.kubeconfig(), developer.home());
    let up_elsewhere = [
        "up",
        "-s",
        "red",
        "-b",
        &elsewhere,
        "--detach",
        "--timeout",
        "90s",
    ];
    fails(
        scope,
        &admin,
        &folder,
        &up_elsewhere,
        1,
        &[&elsewhere, "baseline"],
    )
    .await?;

    let lost = Caller::new(&developer.home().join("no-such-kubeconfig"), developer.home());
    fails(scope, &lost, &folder, &up, 1, &["no-such-kubeconfig"]).await
}

/// No `devspace.yaml`, that of another tool, and one with a mistake.
async fn wrong_folders(scope: &Scope, caller: &Caller, up: &[&str]) -> Result<()> {
    let other_tool = Folder::new(&[("devspace.yaml", "version: v2beta1\nname: x\n")])?;
    fails(scope, caller, &other_tool, up, 64, &["v2beta1"]).await?;
    let unknown = Folder::new(&[("devspace.yaml", "devspace: 1\nservice: back\nsinc: []\n")])?;
    fails(scope, caller, &unknown, up, 64, &["sinc", "sync", "3"]).await?;
    let nothing = Folder::new(&[])?;
    fails(scope, caller, &nothing, up, 64, &["devspace.yaml"]).await
}

/// Runs the verb and holds exit code and text to what is expected.
async fn fails(
    scope: &Scope,
    caller: &Caller,
    folder: &Folder,
    arguments: &[&str],
    code: i32,
    says: &[&str],
) -> Result<()> {
    let began = std::time::Instant::now();
    let (ended, events) = caller.run(folder.path(), arguments).await?;
    let error = events.iter().rev().find(|event| event.name() == "error").cloned();
    let text = format!("{}{}", ended.stdout, ended.stderr);
    scope.say(format!(
        "exit {} after {:.1} s: {}",
        ended.code,
        began.elapsed().as_secs_f64(),
        error.as_ref().map_or(text.trim(), |event| event.text("message"))
    ));
    ensure!(
        ended.code == code,
        "wanted exit code {code}, found {}:\n{text}",
        ended.code
    );
    for wanted in says {
        ensure!(text.contains(wanted), "`{wanted}` is not in:\n{text}");
    }
    Ok(())
}
