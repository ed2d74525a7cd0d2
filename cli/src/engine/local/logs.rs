//! What a copy's program wrote, as the daemon keeps it over restarts of the program and of itself.

use futures::{StreamExt, TryStreamExt};
use hyper::Method;

use super::dial::attempt;
use super::lines::lines;
use super::request::{Ask, Client, path};
use crate::engine::{CopyRef, EngineError, LogQuery, LogStream};

/// The log of `copy`.
pub(super) async fn logs(client: &Client, copy: &CopyRef, query: LogQuery) -> Result<LogStream, EngineError> {
    let mut path = path(&["copies", &copy.namespace, &copy.service, "logs"]);
    path.push_str(if query.follow {
        "?follow=true"
    } else {
        "?follow=false"
    });
    if let Some(tail) = query.tail {
        path.push_str(&format!("&tail={tail}"));
    }
    let ask = Ask {
        method: Method::GET,
        path: &path,
        upgrade: None,
        body: None,
        attempt: Some(attempt(copy)),
    };
    let lines = match lines(client, ask).await {
        Err(EngineError::NotFound { .. }) => {
            return Err(EngineError::NoPod {
                service: copy.service.clone(),
                space: copy.space.clone(),
            });
        }
        result => result?,
    };
    // A program may write what is no UTF-8.
    let text = lines.map_ok(|line| String::from_utf8_lossy(&line).into_owned());
    Ok(LogStream {
        pod: None,
        lines: text.boxed(),
    })
}
