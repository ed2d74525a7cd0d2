//! Ways into a copy: connections, the log, where its commands run.

use devspace_core::ports::AGENT_CONTROL;
use futures::stream::{self, StreamExt};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use super::answer::{Answer, Refusal, empty, json, lines};
use crate::daemon::Daemon;
use crate::protocol;
use crate::reach::Reach;

pub(super) async fn answer(
    daemon: &Daemon,
    relays: &TaskTracker,
    (namespace, service): (&str, &str),
    rest: &[&str],
    request: Request<Incoming>,
) -> Result<Response<Answer>, Refusal> {
    let reach = daemon.shared.reaches.get(namespace, service);
    let reach = reach.ok_or_else(|| {
        Refusal::not_running(format!(
            "{service} does not run in {namespace}; `devspace status` and `devspace local status` tell why"
        ))
    })?;
    match rest {
        ["dial", port] => {
            let port: u16 = port
                .parse()
                .map_err(|_| Refusal::invalid(format!("`{port}` is no port")))?;
            dial(&reach, relays, port, request).await
        }
        ["logs"] => Ok(logs(&reach, request.uri().query().unwrap_or_default())),
        ["context"] => json(StatusCode::OK, &reach.context),
        _ => Err(Refusal::unknown()),
    }
}

/// Connects first, so that a port where nobody listens is an answer and not a broken stream.
async fn dial(
    reach: &Reach,
    relays: &TaskTracker,
    port: u16,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Refusal> {
    let asked = request.headers().get(UPGRADE);
    if asked.is_none_or(|asked| asked.as_bytes() != protocol::UPGRADE.as_bytes()) {
        return Err(Refusal::invalid(format!(
            "a connection is asked for by `Upgrade: {}`",
            protocol::UPGRADE
        )));
    }
    let mut far = reach.dial(port).await.map_err(|error| {
        let what = if port == AGENT_CONTROL {
            "its agent".to_owned()
        } else {
            format!("port {port}")
        };
        Refusal::not_running(format!("{what} does not answer yet: {error}"))
    })?;
    relays.spawn(async move {
        let upgraded = match hyper::upgrade::on(request).await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a connection was not taken up"),
        };
        if let Err(error) = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut far).await {
            tracing::debug!(%error, port, "a connection broke");
        }
    });
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static(protocol::UPGRADE));
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Ok(response)
}

fn logs(reach: &Reach, query: &str) -> Response<Answer> {
    let value = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    };
    let tail = value("tail").and_then(|tail| tail.parse().ok());
    let (past, follow) = reach.log.read(tail);
    let past = stream::iter(past);
    if value("follow") != Some("true") {
        return lines(past);
    }
    let later = stream::unfold(follow, |mut follow| async {
        let line = match follow.recv().await {
            Ok(line) => line.to_string(),
            Err(broadcast::error::RecvError::Lagged(missed)) => format!("({missed} lines were left out)"),
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        Some((line, follow))
    });
    lines(past.chain(later))
}
