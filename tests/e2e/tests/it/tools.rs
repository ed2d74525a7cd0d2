//! The team's own tools put the plain baseline back and never fail because of us, no request fails, and the traffic
//! passes the router again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, DELIVERY, Helm, echo_service};
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::traffic::{full, keyless, plan};
use devspace_e2e::harness::{ClientPod, Scope, baseline, objects, scope, wait};
use serde_json::Value;

#[tokio::test]
async fn helm_3_upgrades_and_rolls_back() -> Result<()> {
    scope::run(
        "helm_3_upgrades_and_rolls_back",
        Gate::Shared,
        async |scope: &Scope| helm(scope, Helm::Three).await,
    )
    .await
}

#[tokio::test]
async fn helm_4_upgrades_and_rolls_back() -> Result<()> {
    scope::run(
        "helm_4_upgrades_and_rolls_back",
        Gate::Shared,
        async |scope: &Scope| helm(scope, Helm::Four).await,
    )
    .await
}

async fn helm(scope: &Scope, which: Helm) -> Result<()> {
    let namespace = scope.namespace("shop").await?;
    let app = App {
        host: format!("{namespace}.example.test"),
        namespace,
    };
    app.helm(scope, which, &["install", "--wait"], &[]).await?;
    baseline::enable(scope, &app.namespace, DELIVERY, &app.host).await?;
    let client = ClientPod::start(scope).await?;
    let request = app
        .request(scope, "package", "/api/packages/summary/owner-1")
        .await?;
    client
        .start_load(&plan([full("keyless", request, keyless(&[]))]))
        .await?;

    app.helm(scope, which, &["upgrade"], &[]).await?;
    back(scope, &client, &app, DELIVERY).await?;
    // With a new pod template, so that pods are replaced while the Service changes hands.
    app.helm(
        scope,
        which,
        &["upgrade", "--wait"],
        &["--set", "podAnnotations.test=second"],
    )
    .await?;
    back(scope, &client, &app, DELIVERY).await?;
    let rollback = [
        "rollback",
        "delivery",
        "1",
        "--namespace",
        &app.namespace,
        "--wait",
        "--timeout",
        "2m",
    ];
    match which {
        Helm::Three => scope.cluster.helm3(rollback).await?,
        Helm::Four => scope.cluster.helm4(rollback).await?,
    };
    back(scope, &client, &app, DELIVERY).await?;
    client.stop_load(scope).await?;
    Ok(())
}

/// Waits until these Services are intercepted, and for load over it.
async fn back(scope: &Scope, client: &ClientPod, app: &App, services: &[&str]) -> Result<()> {
    let began = Instant::now();
    for service in services {
        baseline::intercepted(scope, &app.namespace, service).await?;
    }
    scope.say(format!(
        "intercepted again {:.2} s after the tool ended",
        began.elapsed().as_secs_f64()
    ));
    client.after(100).await
}

#[tokio::test]
async fn kubectl_applies_client_side() -> Result<()> {
    scope::run(
        "kubectl_applies_client_side",
        Gate::Shared,
        async |scope: &Scope| apply(scope, Apply::ClientSide).await,
    )
    .await
}

#[tokio::test]
async fn kubectl_applies_server_side() -> Result<()> {
    scope::run(
        "kubectl_applies_server_side",
        Gate::Shared,
        async |scope: &Scope| apply(scope, Apply::ServerSide).await,
    )
    .await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Apply {
    ClientSide,
    ServerSide,
}

async fn apply(scope: &Scope, kind: Apply) -> Result<()> {
    let app = App::plain_echo(scope, &["other", "back"]).await?;
    let file = tempfile::NamedTempFile::new()?;
    let mut service = echo_service(&app.namespace, "back");
    // From here on kubectl is the owner of the Service, with nothing left of how it was first made.
    let api: kube::Api<k8s_openapi::api::core::v1::Service> =
        kube::Api::namespaced(scope.cluster.client.clone(), &app.namespace);
    api.delete("back", &kube::api::DeleteParams::default()).await?;
    ensure!(
        kubectl(scope, kind, file.path(), &service).await?,
        "the first apply is refused"
    );
    baseline::enable(scope, &app.namespace, &["back"], &app.host).await?;
    let client = ClientPod::start(scope).await?;
    let request = app.request(scope, "back", "/").await?;
    client
        .start_load(&plan([full("keyless", request, keyless(&[]))]))
        .await?;

    let mut in_window = 0;
    for round in 0..4 {
        set(&mut service, "/metadata/labels/round", format!("r{round}").into());
        in_window += applied(scope, kind, file.path(), &service).await?;
        back(scope, &client, &app, &["back"]).await?;
    }
    // A key that the owner takes out of the selector is out of the original, too.
    service
        .pointer_mut("/spec/selector")
        .and_then(Value::as_object_mut)
        .map(|selector| selector.remove("tier"));
    in_window += applied(scope, kind, file.path(), &service).await?;
    back(scope, &client, &app, &["back"]).await?;
    original_selector_is(scope, &app, &["app"]).await?;
    // And so is a port.
    service
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut)
        .map(Vec::pop);
    in_window += applied(scope, kind, file.path(), &service).await?;
    back(scope, &client, &app, &["back"]).await?;
    let ports = objects::service(&scope.cluster.client, &app.namespace, "back")
        .await?
        .spec
        .unwrap_or_default()
        .ports;
    ensure!(
        ports.as_ref().is_some_and(|ports| ports.len() == 1),
        "the dropped port is still there: {ports:?}"
    );
    scope.say(format!("{in_window} of 6 applies landed between our two patches"));
    client.stop_load(scope).await?;
    Ok(())
}

/// Applies until it is taken. Only a server-side apply that lands between our two patches may be refused, and the next
/// one must pass. Answers how many were refused.
async fn applied(scope: &Scope, kind: Apply, file: &std::path::Path, service: &Value) -> Result<usize> {
    if kubectl(scope, kind, file, service).await? {
        return Ok(0);
    }
    ensure!(kind == Apply::ServerSide, "a client-side apply failed");
    ensure!(
        kubectl(scope, kind, file, service).await?,
        "a second server-side apply failed, too"
    );
    Ok(1)
}

async fn kubectl(scope: &Scope, kind: Apply, file: &std::path::Path, service: &Value) -> Result<bool> {
    std::fs::write(file, serde_json::to_vec(service)?)?;
    let file = file.to_string_lossy();
    let arguments: &[&str] = match kind {
        Apply::ClientSide => &["apply", "-f", &file],
        Apply::ServerSide => &["apply", "--server-side", "-f", &file],
    };
    let ended = scope.cluster.kubectl(arguments).await?;
    if ended.code != 0 {
        scope.say(format!(
            "kubectl {} ended with {}: {}",
            arguments.join(" "),
            ended.code,
            ended.stderr.trim()
        ));
    }
    Ok(ended.code == 0)
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.insert(key.to_owned(), value);
    }
}

async fn original_selector_is(scope: &Scope, app: &App, keys: &[&str]) -> Result<()> {
    wait::until(
        Duration::from_secs(20),
        "the record keeps the owner's selector",
        async || {
            let service = objects::service(&scope.cluster.client, &app.namespace, "back").await?;
            let recorded: Vec<String> = baseline::recorded_selector(&service)?.into_keys().collect();
            ensure!(
                recorded == keys,
                "the record keeps {recorded:?}, the owner wants {keys:?}"
            );
            Ok(())
        },
    )
    .await
}
