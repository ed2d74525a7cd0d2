//! Two spaces have copies of one service at once, beside the baseline, under load.

use anyhow::Result;
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::traffic::{full, keyless, light, plan};
use devspace_e2e::harness::{ClientPod, Developer, Scope, nonce, scope};
use devspace_e2e::wire::{Rule, ServedBy, Target};

use crate::up::up;

#[tokio::test]
async fn two_spaces_have_copies_of_one_service() -> Result<()> {
    scope::run("two_spaces_have_copies_of_one_service", Gate::Shared, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, &["back"]).await?;
    let client = ClientPod::start(scope).await?;
    let (rosa, bert) = (
        Developer::new(scope, &app.namespace, "rosa").await?,
        Developer::new(scope, &app.namespace, "bert").await?,
    );
    let (red, blue, later) = (nonce(), nonce(), nonce());
    let (red_folder, blue_folder) = (echo_folder("back", &red)?, echo_folder("back", &blue)?);
    let request = app.request(scope, "back", "/").await?;

    // Running from before the first `up` to after the last `down`: nothing of it touches those without a key.
    let baseline = full("keyless", request.clone(), keyless(&[&red, &blue, &later]));
    client.start_load(&plan([baseline.clone()])).await?;
    let (rosa, bert) = (Caller::developer(&rosa), Caller::developer(&bert));
    let _red = up(scope, &rosa, &app, "red", red_folder.path()).await?;
    let mut blue_up = up(scope, &bert, &app, "blue", blue_folder.path()).await?;
    client.stop_load(scope).await?;

    let only = |space: &str, own: &str, others: [&str; 2]| -> Target {
        let lacks = others.iter().map(|&text| text.to_owned()).collect();
        let rule = Rule {
            contains: vec![own.to_owned()],
            lacks,
            served_by: ServedBy::Holds(space.to_owned()),
            ..Rule::default()
        };
        light(space, keyed(&request, space), rule)
    };
    client
        .start_load(&plan([
            baseline.clone(),
            only("red", &red, [&blue, &later]),
            only("blue", &blue, [&red, &later]),
        ]))
        .await?;
    client.after(200).await?;
    client.stop_load(scope).await?;

    // A save in blue changes nothing for red, nor for those without a key.
    client
        .start_load(&plan([baseline.clone(), only("red", &red, [&blue, &later])]))
        .await?;
    blue_folder.write("version.txt", &later)?;
    blue_up.live().await?;
    client.after(50).await?;
    client.stop_load(scope).await?;

    // blue goes, red stays, and blue's requests are the baseline's again.
    client
        .start_load(&plan([baseline, only("red", &red, [&blue, &later])]))
        .await?;
    bert.ok(blue_folder.path(), &["down", "-s", "blue", "-b", &app.namespace])
        .await?;
    let answer = client.request(&keyed(&request, "blue")).await?;
    anyhow::ensure!(
        answer.body.contains("\"version\":\"baseline\""),
        "after down blue sees {answer:?}"
    );
    client.after(50).await?;
    client.stop_load(scope).await?;
    Ok(())
}
