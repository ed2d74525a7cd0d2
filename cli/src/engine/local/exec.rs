//! Commands beside a copy's program: they run here, with its environment, in its folder.

use devspace_local::protocol::Context;
use hyper::Method;
use tokio::process::Command;

use super::dial::attempt;
use super::paths::rewritten;
use super::request::{Client, json, path};
use crate::engine::{CopyRef, EngineError, Exec};

/// The command that stands for `command` on this machine. It inherits this process's streams, and so its terminal.
pub(super) async fn exec(client: &Client, copy: &CopyRef, command: &[String]) -> Result<Exec, EngineError> {
    let path = path(&["copies", &copy.namespace, &copy.service, "context"]);
    let asked = json(client, Method::GET, &path, None::<&()>, Some(attempt(copy))).await;
    let context: Context = match asked {
        Err(EngineError::NotFound { .. }) => {
            return Err(EngineError::NoPod {
                service: copy.service.clone(),
                space: copy.space.clone(),
            });
        }
        result => result?,
    };
    let mut words = command.iter().map(|word| rewritten(word, &context.paths));
    let program = words.next().unwrap_or_default();
    let mut here = Command::new(&program);
    here.args(words)
        .env_clear()
        .envs(&context.env)
        .current_dir(&context.folder);
    Ok(Exec::Here(Box::new(here)))
}
