//! `helm uninstall` of the product: the Services are as they were, no request fails, and nothing of ours is left.
//!
//! A test binary of its own that runs last: it takes the product away from under all others.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::traffic::{full, keyless, plan};
use devspace_e2e::harness::{ClientPod, Developer, Scope, baseline, nonce, product, scope, wait};
use kube::Api;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::discovery::{Discovery, Scope as Reach, verbs};

#[tokio::test]
async fn uninstalling_leaves_the_baseline_as_it_was() -> Result<()> {
    scope::run("uninstalling_leaves_the_baseline_as_it_was", Gate::Alone, test).await
}

const SERVICES: &[&str] = &["front", "back"];

async fn test(scope: &Scope) -> Result<()> {
    let app = App::plain_echo(scope, SERVICES).await?;
    let before = baseline::snapshot(scope, &app.namespace, SERVICES).await?;
    baseline::enable(scope, &app.namespace, SERVICES, &app.host).await?;
    let client = ClientPod::start(scope).await?;
    let developer = Developer::new(scope, &app.namespace, "rosa").await?;
    let folder = echo_folder("back", &nonce())?;
    let detached = ["up", "-s", "red", "-b", &app.namespace, "--detach"];
    Caller::developer(&developer).ok(folder.path(), &detached).await?;

    let request = app.request(scope, "back", "/").await?;
    client
        .start_load(&plan([full("keyless", request, keyless(&[]))]))
        .await?;
    let began = std::time::Instant::now();
    product::uninstall(&scope.cluster).await?;
    scope.say(format!(
        "helm uninstall took {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    client.after(440).await?;
    client.stop_load(scope).await?;

    let after = baseline::snapshot(scope, &app.namespace, SERVICES).await?;
    ensure!(
        before == after,
        "the Services were\n{before:#?}\nand are\n{after:#?}"
    );
    scope.say(format!(
        "{} Services equal what they were in spec, labels and annotations",
        after.len()
    ));
    let checked = wait::until(Duration::from_secs(60), "nothing of ours is left", async || {
        let (checked, left) = left_over(scope).await?;
        ensure!(left.is_empty(), "still there: {left:#?}");
        Ok(checked)
    })
    .await?;
    scope.say(format!("nothing of ours among {checked} objects of every kind"));
    Ok(())
}

/// How many objects the cluster has, and which of them bear our name, a label or an annotation of ours.
async fn left_over(scope: &Scope) -> Result<(usize, Vec<String>)> {
    let client = &scope.cluster.client;
    let discovery = Discovery::new(client.clone()).run().await?;
    let (mut checked, mut left) = (0, Vec::new());
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            let told_of = resource.kind == "Event" || resource.kind == "Lease" && resource.group.is_empty();
            if !capabilities.supports_operation(verbs::LIST) || told_of {
                continue;
            }
            let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
            for object in api.list(&ListParams::default()).await?.items {
                checked += 1;
                if is_ours(&object) {
                    let namespace = object.metadata.namespace.clone().unwrap_or_default();
                    let reach = if capabilities.scope == Reach::Namespaced {
                        namespace.as_str()
                    } else {
                        "(cluster)"
                    };
                    left.push(format!(
                        "{} {reach}/{}",
                        resource.kind,
                        object.metadata.name.unwrap_or_default()
                    ));
                }
            }
        }
    }
    Ok((checked, left))
}

fn is_ours(object: &DynamicObject) -> bool {
    let metadata = &object.metadata;
    let keys = metadata
        .labels
        .iter()
        .chain(metadata.annotations.iter())
        .flat_map(BTreeMap::keys);
    let bears_key = keys.into_iter().any(|key| key.contains("devspace.dev/"));
    // The release's namespace is the admin's: `helm install --create-namespace` made it, and Helm leaves it.
    let namespace_of_release = metadata.name.as_deref() == Some(product::NAMESPACE);
    let named = metadata
        .name
        .as_deref()
        .is_some_and(|name| name.contains("devspace"))
        && metadata.name.as_deref() != Some("devspace-node");
    (bears_key || named) && !namespace_of_release
}
