//! Asks the routers of a baseline what their tables say.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use devspace_api::names::ROUTER_LABEL;
use devspace_core::ports::ROUTER_ADMIN;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use tokio::net::TcpStream;

/// How long a connection to a router may take: both are in the same cluster.
const CONNECT: Duration = Duration::from_secs(2);
/// What an answer may take beyond the time that the router was given.
const SLACK: Duration = Duration::from_secs(2);

/// Why a router did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The pods of the routers could not be listed.
    #[error("list the routers")]
    List(#[source] kube::Error),
    /// The question is no URL.
    #[error("build the request")]
    Build(#[source] http::Error),
    /// No connection.
    #[error("connect to the router")]
    Connect(#[source] std::io::Error),
    /// The exchange broke.
    #[error("ask the router")]
    Exchange(#[source] hyper::Error),
    /// Nothing came in time.
    #[error("no answer from the router in time")]
    Timeout,
}

/// Admin addresses of the ready routers of the baseline in `namespace`.
pub(super) async fn ready(client: &Client, namespace: &str) -> Result<Vec<SocketAddr>, AskError> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = ListParams::default().labels(&format!("{ROUTER_LABEL}=true"));
    let pods = api.list(&selector).await.map_err(AskError::List)?.items;
    Ok(pods.iter().filter_map(address).collect())
}

fn address(pod: &Pod) -> Option<SocketAddr> {
    let status = pod
        .status
        .as_ref()
        .filter(|_| pod.meta().deletion_timestamp.is_none())?;
    let ready = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "Ready" && c.status == "True");
    let ip: IpAddr = status.pod_ip.as_ref().filter(|_| ready)?.parse().ok()?;
    Some(SocketAddr::new(ip, ROUTER_ADMIN))
}

/// Puts `question` (path and query, with `timeoutMs`) to `router`. Says whether the answer is 200 within `patience`.
/// Cancel safe: dropping it closes the connection.
pub(super) async fn ask(router: SocketAddr, question: &str, patience: Duration) -> Result<bool, AskError> {
    let exchange = async {
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect(router)).await;
        let stream = stream
            .map_err(|_| AskError::Timeout)?
            .map_err(AskError::Connect)?;
        let request = Request::get(question)
            .header(http::header::HOST, router.to_string())
            .body(Empty::<Bytes>::new())
            .map_err(AskError::Build)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(AskError::Exchange)?;
        let answer = sender.send_request(request);
        tokio::pin!(answer, connection);
        let answer = tokio::select! {
            answer = &mut answer => answer,
            // A router that closes after its answer ends the connection in the same moment: the answer is there then.
            ended = &mut connection => match ended {
                Ok(()) => answer.await,
                Err(error) => Err(error),
            },
        };
        answer.map(|answer| answer.status()).map_err(AskError::Exchange)
    };
    let status = tokio::time::timeout(patience + SLACK, exchange)
        .await
        .map_err(|_| AskError::Timeout)??;
    Ok(status == StatusCode::OK)
}

/// Whether every one of `routers` answers `question` with 200. A router that does not answer has not applied it.
pub(super) async fn all_agree(routers: &[SocketAddr], question: &str, patience: Duration) -> bool {
    let asks = routers.iter().map(|router| async move {
        let answer = ask(*router, question, patience).await;
        answer.unwrap_or_else(|error| {
            tracing::debug!(%router, error = crate::logging::chain(&error), "router not asked");
            false
        })
    });
    futures::future::join_all(asks)
        .await
        .into_iter()
        .all(|agrees| agrees)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one request with `answer` and gives the request's first line back.
    async fn serve(listener: TcpListener, answer: &'static str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            text.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&text)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    async fn exchange(answer: &'static str) -> (bool, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let router = listener.local_addr().unwrap();
        let question = "/applied?space=red&service=package&address=10.0.0.7&timeoutMs=50";
        let patience = Duration::from_secs(20);
        let (agrees, line) = tokio::join!(ask(router, question, patience), serve(listener, answer));
        (agrees.unwrap(), line)
    }

    #[tokio::test]
    async fn only_200_is_agreement() {
        let (agrees, line) = exchange("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert!(agrees);
        assert_eq!(
            line,
            "GET /applied?space=red&service=package&address=10.0.0.7&timeoutMs=50 HTTP/1.1"
        );
        assert!(
            !exchange("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
                .await
                .0
        );
    }

    #[tokio::test]
    async fn a_router_that_is_not_there_does_not_agree() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let router = listener.local_addr().unwrap();
        drop(listener);
        assert!(!all_agree(&[router], "/applied", Duration::from_secs(1)).await);
        assert!(all_agree(&[], "/applied", Duration::from_secs(1)).await);
    }
}
