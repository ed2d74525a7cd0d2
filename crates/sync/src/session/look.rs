//! A look at a copy without a session: it takes nothing from the session that follows the copy.

use http::{Method, Request};

use super::Dial;
use super::link::{LinkError, body_of, empty, parse};
use crate::protocol::State;
use crate::wire;

/// The agent did not say what its copy holds.
#[derive(Debug, thiserror::Error)]
#[error("the agent does not say what its copy holds")]
pub struct LookError {
    #[source]
    source: LinkError,
}

/// What the copy behind `dial` holds, as its agent last committed it. Cancel safe.
///
/// # Errors
/// [`LookError`] if the agent cannot be reached or does not know the question.
pub async fn look(dial: &dyn Dial) -> Result<State, LookError> {
    ask(dial).await.map_err(|source| LookError { source })
}

async fn ask(dial: &dyn Dial) -> Result<State, LinkError> {
    let mut connection = wire::connect(dial.dial().await?).await?;
    let mut request = Request::new(empty());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = http::Uri::from_static("http://copy/state");
    parse(&body_of(connection.requests.send_request(request).await?).await?)
}
