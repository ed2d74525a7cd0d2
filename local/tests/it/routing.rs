//! Who answers whom.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{Bench, port_of, put_file};
use crate::client::fetch;

async fn text(port: u16, path: &str, headers: &[(&str, &str)]) -> String {
    let (status, body) = fetch(port, path, headers).await.expect("no answer");
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn a_copy_answers_its_space_by_every_way_and_nobody_else() {
    let (bench, state) = Bench::ready().await;
    let gateway = port_of(&state.url);
    assert_eq!(text(gateway, "/", &[]).await, "web-baseline in-");
    assert_eq!(
        text(gateway, "/peer", &[]).await,
        "web-baseline in- > package-baseline in-"
    );
    let red = bench.up("red", "package", "package-red").await;
    assert_eq!(red.copy["status"]["phase"], "Ready");
    assert_eq!(red.copy["status"]["pod"]["name"], "package-1");
    assert_eq!(
        red.copy["status"]["changes"],
        json!(["image python:3 is ignored: it runs on this machine"])
    );
    let space = bench.client.get("/v1/spaces/shop/red").await;
    assert_eq!(space["status"]["namespace"], "devspace-shop--red");
    assert_eq!(
        space["status"]["urls"][0],
        format!("http://red.localhost:{gateway}/")
    );
    let own = port_of(space["status"]["urls"][1].as_str().unwrap());
    let package = port_of(&state.services[1].url);
    let host = format!("red.localhost:{gateway}");
    // The baseline's web was called for red; it does not pass the key on, so its own call is keyless.
    assert_eq!(text(gateway, "/", &[("host", &host)]).await, "web-baseline in-");
    assert_eq!(
        text(package, "/", &[("devspace-route-as", "red")]).await,
        "package-red in-red"
    );
    assert_eq!(text(package, "/", &[]).await, "package-baseline in-");
    // A copy that calls has listeners of its own, which stand for its space.
    let _web = bench.up("red", "web", "web-red").await;
    let wanted = "web-red in-red > package-red in-red";
    assert_eq!(text(gateway, "/peer", &[("host", &host)]).await, wanted);
    assert_eq!(
        text(gateway, "/peer", &[("devspace-route-as", "red")]).await,
        wanted
    );
    assert_eq!(text(own, "/peer", &[]).await, wanted);
    assert_eq!(
        text(gateway, "/peer", &[]).await,
        "web-baseline in- > package-baseline in-"
    );
    let (status, _) = fetch(gateway, "/", &[("host", "gone.localhost")]).await.unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_removed_answers_no_more_and_leaves_nothing() {
    let (bench, state) = Bench::ready().await;
    let gateway = port_of(&state.url);
    let host = format!("red.localhost:{gateway}");
    let web = bench.up("red", "web", "web-red").await;
    assert_eq!(text(gateway, "/", &[("host", &host)]).await, "web-red in-red");
    drop(web);
    // Without the copy, and then without the space.
    let path = "/v1/servicecopies/devspace-shop--red/web";
    bench.client.ok(Method::DELETE, path, Value::Null).await;
    let gone = async |path: &str| {
        bench
            .until_line(&format!("{path}/watch"), "end of it", Value::is_null)
            .await;
    };
    gone(path).await;
    // At once: an object that is gone answers nothing any more.
    assert_eq!(text(gateway, "/", &[("host", &host)]).await, "web-baseline in-");
    // One that is made in its place right away is another.
    let _web = bench.up("red", "web", "web-again").await;
    assert_eq!(text(gateway, "/", &[("host", &host)]).await, "web-again in-red");
    bench
        .client
        .ok(Method::DELETE, "/v1/spaces/shop/red", Value::Null)
        .await;
    gone("/v1/spaces/shop/red").await;
    assert_eq!(
        fetch(gateway, "/", &[("host", &host)]).await.unwrap().0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        bench.client.get("/v1/servicecopies/devspace-shop--red").await,
        json!([])
    );
    let copies = bench.state_folder().join("workspaces/shop/copies/red");
    bench
        .until("removal of the space's folder", async || {
            (!copies.exists()).then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_save_is_answered_by_new_code_and_the_baseline_keeps_its_own() {
    let (bench, state) = Bench::ready().await;
    let package = port_of(&state.services[1].url);
    let red = bench.up("red", "package", "one").await;
    put_file(&red.project.join("answer"), "two");
    let key = [("devspace-route-as", "red")];
    bench
        .until("new code", async || {
            let (status, body) = fetch(package, "/", &key).await?;
            assert_eq!(status, StatusCode::OK, "a restart is waited for: {body}");
            (body == "two in-red").then_some(())
        })
        .await;
    // An edit in the service's folder reaches the baseline when it is asked for.
    bench.put_service("package", "package-edited");
    assert_eq!(text(package, "/", &[]).await, "package-baseline in-");
    bench.put(&bench.workspace(&["web", "package"])).await;
    bench
        .until("the edit", async || {
            let (_, body) = fetch(package, "/", &[]).await?;
            (body == "package-edited in-").then_some(())
        })
        .await;
}

#[tokio::test]
async fn a_copy_is_reached_by_dial_log_and_context() {
    let (bench, _state) = Bench::ready().await;
    let _red = bench.up("red", "package", "package-red").await;
    let namespace = "devspace-shop--red";
    let mut stream = bench.client.dial(namespace, "package", 8080).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("package-red in-red"), "{answer}");
    // A debugger's port that only the copy's file names; the program listens on the picked one.
    let mut stream = bench.client.dial(namespace, "package", 9230).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("package-red in-red"), "{answer}");
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", 9230)).await.is_err(),
        "the number itself stays free for the next copy"
    );
    let refused = bench.client.dial(namespace, "package", 9229).await.err().unwrap();
    assert!(refused.contains("503"), "{refused}");
    let context = bench
        .client
        .get(&format!("/v1/copies/{namespace}/package/context"))
        .await;
    let folder = bench
        .state_folder()
        .join("workspaces/shop/copies/red/package/root/app");
    assert_eq!(context["folder"], folder.to_str().unwrap());
    assert!(
        context["env"]["PACKAGE_URL"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(
        context["env"]["DEVSPACE_SPACE"],
        Value::Null,
        "ours are not the program's"
    );
    let port = context["env"]["PORT"].as_str().unwrap();
    let logs = bench
        .client
        .get(&format!("/v1/copies/{namespace}/package/logs?tail=1"))
        .await;
    assert_eq!(logs, Value::String(format!("listening on {port}\n")));
    let data = context["env"]["DATA"].as_str().unwrap();
    assert!(
        data.ends_with("data/package") && std::path::Path::new(data).is_dir(),
        "{data}"
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let (bench, _state) = Bench::ready().await;
    let client = &bench.client;
    let (status, fault) = client
        .ask(
            Method::PATCH,
            "/v1/spaces/nowhere/red",
            json!({"spec": {"owner": "ada"}}),
        )
        .await
        .unwrap();
    assert_eq!(
        (status, &fault["code"]),
        (StatusCode::NOT_FOUND, &json!("notFound"))
    );
    let (status, _) = client
        .ask(
            Method::PATCH,
            "/v1/spaces/shop/..",
            json!({"spec": {"owner": "ada"}}),
        )
        .await
        .unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    client
        .ok(
            Method::PATCH,
            "/v1/spaces/shop/red",
            json!({"spec": {"owner": "ada"}}),
        )
        .await;
    let path = "/v1/servicecopies/devspace-shop--red/pakage";
    client
        .ok(Method::PATCH, path, json!({"spec": {"service": "pakage"}}))
        .await;
    let copy = bench
        .until_line(&format!("{path}/watch"), "refusal", |copy| {
            copy["status"]["phase"] == "Refused"
        })
        .await;
    let message = copy["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(message.contains("did you mean package?"), "{message}");
    let mut wrong = bench.workspace(&["web"]);
    wrong.routes.insert("/".to_owned(), "none".to_owned());
    let (status, fault) = client
        .ask(
            Method::PUT,
            "/v1/workspaces/shop",
            serde_json::to_value(&wrong).unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{fault}");
}
