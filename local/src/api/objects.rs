//! The three kinds of objects.

use std::sync::Arc;

use devspace_api::Space;
use devspace_core::{ServiceName, SpaceName};
use devspace_plan::space::namespace_name;
use futures::stream;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::Value;

use super::answer::{Answer, Refusal, json, lines, read};
use crate::daemon::Daemon;
use crate::store::{Key, Kind, version_of};

pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    plural: &str,
    rest: &[&str],
    request: Request<Incoming>,
) -> Result<Response<Answer>, Refusal> {
    let kind = Kind::parse(plural).ok_or_else(Refusal::unknown)?;
    let store = &daemon.shared.store;
    let (namespace, name, watches) = match rest {
        [namespace] if request.method() == Method::GET => {
            return json(StatusCode::OK, &store.list(kind, namespace));
        }
        [namespace, name] => (*namespace, *name, false),
        [namespace, name, "watch"] => (*namespace, *name, true),
        _ => return Err(Refusal::unknown()),
    };
    let key = Key {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    match (request.method().clone(), watches) {
        (Method::GET, true) => Ok(watch(daemon, key)),
        (Method::GET, false) => match store.get(&key) {
            Some(object) => json(StatusCode::OK, &object),
            None => Err(not_there(&key)),
        },
        (Method::PATCH, false) => {
            may_write(daemon, &key)?;
            let body: Value = read(request).await?;
            json(StatusCode::OK, &store.apply(&key, &body)?)
        }
        (Method::PUT, false) => {
            may_write(daemon, &key)?;
            let body: Value = read(request).await?;
            json(StatusCode::OK, &store.put(&key, &body)?)
        }
        (Method::DELETE, false) => delete(daemon, &key),
        _ => Err(Refusal::unknown()),
    }
}

/// A line now and after each change; `null` while the object is not there. Each line is what stands there when it is
/// written, so a slow reader misses states and never the last one.
fn watch(daemon: &Arc<Daemon>, key: Key) -> Response<Answer> {
    let mut changes = daemon.shared.store.changes();
    changes.mark_changed();
    // What was told last: nothing yet, that it is not there, or a version of it.
    let told: Option<Option<u64>> = None;
    let state = (Arc::clone(daemon), key, changes, told);
    lines(stream::unfold(
        state,
        |(daemon, key, mut changes, told)| async move {
            loop {
                changes.changed().await.ok()?;
                changes.borrow_and_update();
                let object = daemon.shared.store.get(&key);
                let version = Some(object.as_ref().map(version_of));
                if version != told {
                    let text = serde_json::to_string(&object).ok()?;
                    return Some((text, (daemon, key, changes, version)));
                }
            }
        },
    ))
}

/// A space goes with its copies. Each stays, marked, until the router does not know it any more; the workspace's actor
/// sees to that. What belongs to no workspace has no router and goes at once.
fn delete(daemon: &Daemon, key: &Key) -> Result<Response<Answer>, Refusal> {
    let store = &daemon.shared.store;
    let is_tended = match key.kind {
        Kind::Baseline => return Err(of_the_file()),
        Kind::Space => daemon.has(&key.namespace),
        Kind::Copy => is_personal(daemon, &key.namespace),
    };
    let remove = |key: &Key| {
        if is_tended {
            store.mark(key)
        } else {
            store.delete(key)
        }
    };
    if key.kind == Kind::Space && store.get(key).is_some() {
        let namespace = namespace_name(&key.namespace, &key.name);
        for copy in store.list(Kind::Copy, &namespace) {
            let name = copy.pointer("/metadata/name").and_then(Value::as_str);
            remove(&Key {
                kind: Kind::Copy,
                namespace: namespace.clone(),
                name: name.unwrap_or_default().to_owned(),
            })?;
        }
    }
    if remove(key)? {
        json(StatusCode::OK, &())
    } else {
        Err(not_there(key))
    }
}

/// Whether `namespace` is that of a space of a workspace.
fn is_personal(daemon: &Daemon, namespace: &str) -> bool {
    let is_of = |workspace: &String| {
        let spaces = daemon.shared.store.typed::<Space>(Kind::Space, workspace);
        spaces
            .iter()
            .filter_map(|space| space.metadata.name.as_deref())
            .any(|space| namespace_name(workspace, space) == namespace)
    };
    daemon.names().iter().any(is_of)
}

/// Names are parts of paths here, and namespaces are those of workspaces and spaces.
fn may_write(daemon: &Daemon, key: &Key) -> Result<(), Refusal> {
    match key.kind {
        Kind::Baseline => Err(of_the_file()),
        Kind::Space => {
            SpaceName::try_new(&key.name).map_err(|error| Refusal::invalid(error.to_string()))?;
            if daemon.has(&key.namespace) {
                return Ok(());
            }
            let message = format!(
                "there is no workspace {}; type `devspace local start` where its devspace.yaml is",
                key.namespace
            );
            Err(Refusal::not_found(message))
        }
        Kind::Copy => {
            ServiceName::try_new(&key.name).map_err(|error| Refusal::invalid(error.to_string()))?;
            if is_personal(daemon, &key.namespace) {
                return Ok(());
            }
            Err(Refusal::not_found(format!(
                "no space has the namespace {}",
                key.namespace
            )))
        }
    }
}

fn of_the_file() -> Refusal {
    Refusal::invalid(
        "a baseline of the local engine is what the workspace's devspace.yaml says; change that and type \
         `devspace local start`",
    )
}

fn not_there(key: &Key) -> Refusal {
    Refusal::not_found(format!(
        "there is no {} in {} of the kind {}",
        key.name,
        key.namespace,
        key.kind.plural()
    ))
}
