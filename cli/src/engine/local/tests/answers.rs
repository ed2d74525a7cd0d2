//! Requests with one answer: who the daemon is, objects, refusals.

use super::*;

#[tokio::test]
async fn where_no_daemon_runs_the_way_out_is_told() {
    use crate::report::Report;
    let folder = tempfile::tempdir().unwrap();
    let error = connect(folder.path()).await.err().unwrap();
    assert_eq!(error.to_string(), "the local engine does not run");
    assert_eq!(error.exit().code(), 1);
    assert_eq!(
        error.hint().unwrap().block.as_deref(),
        Some("devspace local start")
    );
    // A socket that a killed daemon left behind.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert!(matches!(
        connect(folder.path()).await,
        Err(EngineError::NotRunning)
    ));
}

#[tokio::test]
async fn a_daemon_of_another_protocol_is_told() {
    let mut fake = Fake::start();
    let state = fake.state.path().to_owned();
    let (local, ()) = tokio::join!(connect(&state), async {
        let daemon = DAEMON.replace("\"protocol\": 1", "\"protocol\": 2, \"more\": true");
        fake.next().await.answer(200, &daemon).await;
    });
    let error = local.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the local engine that runs (devspace 0.1.0, process 12) speaks version 2 of the protocol, \
         and this program version 1"
    );
}

#[tokio::test]
async fn the_daemon_says_user_and_baselines() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    assert_eq!(local.user().await.unwrap(), "ada");
    assert!(local.cluster().is_none());
    let (known, ()) = tokio::join!(local.discover(), async {
        let workspaces =
            r#"[{"name": "shop", "file": "/x", "url": "http://localhost:7080", "services": []}]"#;
        fake.next().await.answer(200, workspaces).await;
    });
    assert_eq!(known.unwrap()["shop"].hosts, ["localhost:7080"]);
}

#[tokio::test]
async fn objects_are_read_and_written_by_their_address() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let spaces = local.spaces();
    let at = at();
    let (found, ()) = tokio::join!(spaces.get(&at), async {
        fake.next().await.answer(200, &text(&space("ada"))).await;
    });
    assert_eq!(found.unwrap().unwrap().spec.owner, "ada");
    let (applied, body) = tokio::join!(spaces.apply(&at, space("ada")), async {
        let asked = fake.next().await;
        let body = asked.body.clone();
        asked.answer(200, &text(&space("ada"))).await;
        body
    });
    assert_eq!(applied.unwrap().spec.owner, "ada");
    assert_eq!(serde_json::from_str::<Space>(&body).unwrap(), space("ada"));
    let (listed, ()) = tokio::join!(spaces.list("a b"), async {
        fake.next().await.answer(200, "[]").await;
    });
    assert!(listed.unwrap().is_empty());
    let (deleted, ()) = tokio::join!(spaces.delete(&at), async {
        fake.next().await.answer(200, "").await;
    });
    assert!(deleted.unwrap());
    assert_eq!(
        *fake.seen.lock().unwrap(),
        [
            "GET /v1/daemon",
            "GET /v1/spaces/shop/red",
            "PATCH /v1/spaces/shop/red",
            "GET /v1/spaces/a%20b",
            "DELETE /v1/spaces/shop/red",
        ]
    );
}

#[tokio::test]
async fn refusals_are_told_by_their_word() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let spaces = local.spaces();
    let at = at();
    let (found, ()) = tokio::join!(spaces.get(&at), async {
        fake.next().await.refuse(404, "notFound", "no").await;
    });
    assert!(found.unwrap().is_none());
    let (deleted, ()) = tokio::join!(spaces.delete(&at), async {
        fake.next().await.refuse(404, "notFound", "no").await;
    });
    assert!(!deleted.unwrap());
    let (put, ()) = tokio::join!(spaces.put(&at, space("ada")), async {
        fake.next().await.refuse(409, "conflict", "changed").await;
    });
    let Err(EngineError::Conflict { attempt }) = put else {
        panic!("{put:?}")
    };
    let Attempt {
        resource, namespace, ..
    } = *attempt;
    assert_eq!(
        (resource.as_str(), namespace.as_deref()),
        ("spaces", Some("shop"))
    );
    let (applied, ()) = tokio::join!(spaces.apply(&at, space("ada")), async {
        fake.next().await.refuse(422, "invalid", "no owner").await;
    });
    assert_eq!(
        applied.unwrap_err().to_string(),
        "the local engine refuses it: no owner"
    );
    let (applied, ()) = tokio::join!(spaces.apply(&at, space("ada")), async {
        fake.next().await.refuse(500, "failed", "disk full").await;
    });
    assert_eq!(
        applied.unwrap_err().to_string(),
        "the local engine could not do it: disk full"
    );
    let (found, ()) = tokio::join!(spaces.get(&at), async {
        // It dies before it answers.
        drop(fake.next().await);
    });
    assert!(matches!(found, Err(EngineError::Daemon { .. })), "{found:?}");
}
