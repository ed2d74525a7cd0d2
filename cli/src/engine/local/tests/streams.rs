//! Answers that go on: watches, logs, connections into a copy.

use super::*;
use crate::engine::LogQuery;

/// The owner of the space in the next word of a watch; `None` while it is not there.
async fn owner<S>(seen: &mut S) -> Result<Option<String>, EngineError>
where
    S: futures::Stream<Item = Result<Option<Space>, EngineError>> + Unpin,
{
    let next = tokio::time::timeout(DEADLINE, seen.next()).await;
    let space = next
        .expect("the watch says something")
        .expect("a watch never ends")?;
    Ok(space.map(|space| space.spec.owner))
}

#[tokio::test]
async fn a_watch_goes_on_over_lost_connections_and_a_dead_daemon() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let mut seen = local.spaces().watch(&at());
    let (first, mut stream) = tokio::join!(owner(&mut seen), async {
        let mut stream = fake.next().await.stream().await;
        stream.write_all(b"null\n").await.unwrap();
        stream
    });
    assert_eq!(first.unwrap(), None);
    let line = text(&space("ada"));
    // A line may come in pieces.
    let (begin, end) = line.split_at(20);
    let (second, ()) = tokio::join!(owner(&mut seen), async {
        stream.write_all(begin.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
        stream.write_all(format!("{end}\n").as_bytes()).await.unwrap();
    });
    assert_eq!(second.unwrap().as_deref(), Some("ada"));
    // The connection is lost: it is made again, and that is no news.
    drop(stream);
    let (third, stream) = tokio::join!(owner(&mut seen), async {
        let mut stream = fake.next().await.stream().await;
        stream
            .write_all(format!("{}\n", text(&space("bob"))).as_bytes())
            .await
            .unwrap();
        stream
    });
    assert_eq!(third.unwrap().as_deref(), Some("bob"));
    // The daemon is gone: that is told, and the next one is found.
    fake.kill().await;
    drop(stream);
    let gone = owner(&mut seen).await.unwrap_err();
    assert!(matches!(gone, EngineError::NotRunning), "{gone}");
    fake.restart().await;
    let (fourth, _stream) = tokio::join!(owner(&mut seen), async {
        let mut stream = fake.next().await.stream().await;
        stream.write_all(b"null\n").await.unwrap();
        stream
    });
    assert_eq!(fourth.unwrap(), None);
    assert_eq!(
        fake.seen.lock().unwrap().last().unwrap(),
        "GET /v1/spaces/shop/red/watch"
    );
}

#[tokio::test]
async fn a_dial_carries_bytes_both_ways_once_the_copy_is_there() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let dial = local.dial(&copy(), 18_090);
    let (stream, mut far) = tokio::join!(dial.dial(), async {
        // The copy's process is on its way.
        fake.next().await.refuse(404, "notFound", "no such copy").await;
        fake.next().await.refuse(409, "notRunning", "it starts").await;
        let mut stream = fake.next().await.stream;
        stream
            .write_all(b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: devspace-dial\r\n\r\nhello")
            .await
            .unwrap();
        stream
    });
    let mut stream = stream.unwrap();
    let mut word = [0; 5];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"hello");
    stream.write_all(b"world").await.unwrap();
    stream.flush().await.unwrap();
    far.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"world");
    drop(far);
    assert_eq!(stream.read(&mut word).await.unwrap(), 0);
    assert_eq!(
        fake.seen.lock().unwrap()[1],
        "GET /v1/copies/devspace-shop--red/package/dial/18090 to devspace-dial"
    );
}

#[tokio::test]
async fn a_dial_without_a_daemon_says_so_at_once() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    fake.kill().await;
    let dial = local.dial(&copy(), 18_090);
    let refused = tokio::time::timeout(DEADLINE / 2, dial.dial()).await.unwrap();
    assert_eq!(
        refused.err().unwrap().to_string(),
        "cannot reach the copy: the local engine does not run"
    );
}

#[tokio::test]
async fn logs_come_line_by_line_whatever_they_hold() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let copy = copy();
    let query = LogQuery {
        follow: true,
        tail: Some(5),
    };
    let (log, mut stream) = tokio::join!(local.logs(&copy, query), async {
        fake.next().await.stream().await
    });
    stream.write_all(b"one\n\xff two\nlast").await.unwrap();
    drop(stream);
    let log = log.unwrap();
    assert_eq!(log.pod, None);
    let lines: Vec<String> = log.lines.map(Result::unwrap).collect().await;
    assert_eq!(lines, ["one", "\u{fffd} two", "last"]);
    assert_eq!(
        fake.seen.lock().unwrap()[1],
        "GET /v1/copies/devspace-shop--red/package/logs?follow=true&tail=5"
    );
}

#[tokio::test]
async fn a_command_runs_here_in_the_copys_folder_with_its_environment() {
    let mut fake = Fake::start();
    let local = fake.client().await;
    let copy = copy();
    let command = ["cat".to_owned(), "/app/main.js".to_owned()];
    let (exec, ()) = tokio::join!(local.exec(&copy, &command, false), async {
        let context =
            r#"{"folder": "/state/app", "env": {"PORT": "41000"}, "paths": {"/app": "/state/app"}}"#;
        fake.next().await.answer(200, context).await;
    });
    let Ok(Exec::Here(command)) = exec else {
        panic!("it should run here")
    };
    let command = command.as_std();
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["/state/app/main.js"]);
    assert_eq!(command.get_current_dir().unwrap(), Path::new("/state/app"));
    let env: Vec<_> = command.get_envs().collect();
    assert_eq!(env, [("PORT".as_ref(), Some("41000".as_ref()))]);
    let (exec, ()) = tokio::join!(local.exec(&copy, &[], false), async {
        fake.next().await.refuse(404, "notFound", "no").await;
    });
    assert!(matches!(exec, Err(EngineError::NoPod { .. })));
}
