//! Watches that survive a lost connection and a daemon that is started anew.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use hyper::Method;
use serde::de::DeserializeOwned;

use super::lines::lines;
use super::request::{Ask, Client};
use crate::engine::EngineError;

/// The delay after the first failure; it doubles with each one after it.
const FIRST: Duration = Duration::from_millis(50);
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(2);

type Lines = BoxStream<'static, Result<Vec<u8>, EngineError>>;

struct Watching {
    client: Client,
    path: String,
    lines: Option<Lines>,
    /// Wait this long before the next connection.
    delay: Option<Duration>,
}

/// The values at `path`, one a line, for ever. A connection that ends is made again; that it cannot be made is told.
pub(super) fn watch<T: DeserializeOwned + Send + 'static>(
    client: Client,
    path: String,
) -> BoxStream<'static, Result<T, EngineError>> {
    let start = Watching {
        client,
        path,
        lines: None,
        delay: None,
    };
    futures::stream::unfold(start, |mut watching| async move {
        let seen = watching.next().await;
        Some((seen, watching))
    })
    .boxed()
}

impl Watching {
    async fn next<T: DeserializeOwned>(&mut self) -> Result<T, EngineError> {
        loop {
            let lines = match self.lines.take() {
                Some(lines) => self.lines.insert(lines),
                None => {
                    let opened = self.open().await?;
                    self.lines.insert(opened)
                }
            };
            if let Some(Ok(line)) = lines.next().await {
                self.delay = None;
                return serde_json::from_slice(&line).map_err(|error| self.client.broken(error));
            }
            // The end of a connection is no news: the next one tells how things stand.
            self.lines = None;
            self.delay = Some(self.delay.map_or(FIRST, longer));
        }
    }

    async fn open(&mut self) -> Result<Lines, EngineError> {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
        let ask = Ask {
            method: Method::GET,
            path: &self.path,
            upgrade: None,
            body: None,
            attempt: None,
        };
        let opened = lines(&self.client, ask).await;
        if opened.is_err() {
            self.delay = Some(self.delay.map_or(FIRST, longer));
        }
        opened
    }
}

fn longer(delay: Duration) -> Duration {
    (delay * 2).min(LONGEST)
}
