//! A developer has no more than the chart's Role, does all of `up` with it, and gets no further than their own spaces.

use anyhow::{Result, ensure};
use devspace_e2e::harness::app::{App, echo_folder, keyed};
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::gate::Gate;
use devspace_e2e::harness::{ClientPod, Developer, Scope, nonce, objects, scope};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, PostParams};

use crate::up::up;

#[tokio::test]
async fn a_developer_reaches_their_own_spaces_only() -> Result<()> {
    scope::run("a_developer_reaches_their_own_spaces_only", Gate::Shared, test).await
}

async fn test(scope: &Scope) -> Result<()> {
    let app = App::echo(scope, &["back"]).await?;
    let client = ClientPod::start(scope).await?;
    let rosa = Developer::new(scope, &app.namespace, "rosa").await?;
    let bert = Developer::new(scope, &app.namespace, "bert").await?;
    let red = nonce();
    let folder = echo_folder("back", &red)?;
    let caller = Caller::developer(&rosa);
    let mut running = up(scope, &caller, &app, "red", folder.path()).await?;
    let response = client
        .request(&keyed(&app.request(scope, "back", "/").await?, "red"))
        .await?;
    ensure!(response.body.contains(&red), "red sees {response:?}");
    let arguments = [
        "exec",
        "-s",
        "red",
        "-b",
        &app.namespace,
        "--service",
        "back",
        "--",
        "/e2e-pod",
        "--help",
    ];
    let (ended, _) = caller.run(folder.path(), &arguments).await?;
    ensure!(ended.code == 0, "the owner cannot exec: {}", ended.stderr);
    running.devspace.interrupt()?;
    running.devspace.ended(crate::up::SAVE).await?;

    let personal = format!("devspace-{}--red", app.namespace);
    let mut refused = 0;
    for (who, namespace) in [
        (&rosa, &app.namespace),
        (&bert, &app.namespace),
        (&bert, &personal),
    ] {
        refused += exec_is_forbidden(scope, who, namespace).await?;
        for (group, resource, subresource, verb) in FORBIDDEN {
            let review = review(who, namespace, group, resource, subresource, verb).await?;
            ensure!(
                !review,
                "{} may {verb} {resource}/{subresource} in {namespace}",
                who.user
            );
            refused += 1;
        }
    }
    for (group, resource, subresource, verb) in NOT_EVEN_AT_HOME {
        let review = review(&rosa, &personal, group, resource, subresource, verb).await?;
        ensure!(
            !review,
            "{} may {verb} {resource}/{subresource} in {personal}",
            rosa.user
        );
        refused += 1;
    }
    another_space_is_its_owners(scope, &app, &bert).await?;
    scope.say(format!("{refused} refusals"));
    Ok(())
}

type Right = (&'static str, &'static str, &'static str, &'static str);

/// What no developer may do in the baseline's namespace or in another's.
const FORBIDDEN: &[Right] = &[
    ("", "pods", "exec", "create"),
    ("", "pods", "exec", "get"),
    ("", "pods", "portforward", "create"),
    ("", "pods", "attach", "create"),
    ("", "secrets", "", "get"),
    ("", "pods", "", "delete"),
    ("", "services", "", "patch"),
    ("apps", "deployments", "", "patch"),
    ("rbac.authorization.k8s.io", "rolebindings", "", "create"),
];

/// What the owner of a space may not do in its namespace: it would be a way around the product's own rules.
const NOT_EVEN_AT_HOME: &[Right] = &[
    ("", "pods", "", "create"),
    ("", "services", "", "create"),
    ("discovery.k8s.io", "endpointslices", "", "create"),
    ("", "secrets", "", "get"),
    ("rbac.authorization.k8s.io", "rolebindings", "", "create"),
];

async fn review(
    who: &Developer,
    namespace: &str,
    group: &str,
    resource: &str,
    subresource: &str,
    verb: &str,
) -> Result<bool> {
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(subresource.to_owned()),
        verb: Some(verb.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview {
        spec,
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(who.client.clone());
    Ok(api
        .create(&PostParams::default(), &review)
        .await?
        .status
        .is_some_and(|status| status.allowed))
}

/// A real attempt, not only the API server's opinion. Answers 1, for counting.
async fn exec_is_forbidden(scope: &Scope, who: &Developer, namespace: &str) -> Result<usize> {
    let pods = objects::pods(&scope.cluster.client, namespace, "").await?;
    let pod = pods
        .first()
        .ok_or_else(|| anyhow::anyhow!("{namespace} has no pod"))?;
    let api: Api<Pod> = Api::namespaced(who.client.clone(), namespace);
    let tried = api
        .exec(
            objects::name(pod),
            ["/e2e-pod", "--help"],
            &AttachParams::default(),
        )
        .await;
    let refused = tried.err().map(|error| format!("{error:?}"));
    ensure!(
        refused.as_ref().is_some_and(|text| text.contains("403")),
        "{} in {namespace}: {refused:?}",
        who.user
    );
    Ok(1)
}

/// Another developer can neither take the space over, nor change it, nor delete it, nor give one to somebody else.
async fn another_space_is_its_owners(scope: &Scope, app: &App, bert: &Developer) -> Result<()> {
    use devspace_api::{Space, SpaceSpec};
    use kube::api::{DeleteParams, Patch, PatchParams};
    let api: Api<Space> = Api::namespaced(bert.client.clone(), &app.namespace);
    let steal = serde_json::json!({"spec": {"owner": bert.user}});
    let share = serde_json::json!({"spec": {"sharedWith": [bert.user]}});
    for patch in [steal, share] {
        let tried = api
            .patch("red", &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        ensure!(tried.is_err(), "bert changed red by {patch}");
    }
    ensure!(
        api.delete("red", &DeleteParams::default()).await.is_err(),
        "bert deleted red"
    );
    let spec = SpaceSpec {
        owner: "somebody-else".into(),
        ..SpaceSpec::default()
    };
    let tried = api
        .create(&PostParams::default(), &Space::new("green", spec))
        .await;
    ensure!(tried.is_err(), "bert made a space for somebody else");
    let folder = echo_folder("back", "of-bert")?;
    let (ended, _) = Caller::developer(bert)
        .run(
            folder.path(),
            &["up", "-s", "red", "-b", &app.namespace, "--detach"],
        )
        .await?;
    ensure!(
        ended.code == 1,
        "bert's up in red ended with {}: {}",
        ended.code,
        ended.stdout
    );
    scope.say("another's space cannot be changed, deleted, entered or given away");
    Ok(())
}
