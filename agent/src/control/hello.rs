//! The first request, and the questions about what the copy holds.

use std::sync::{Arc, PoisonError};

use devspace_sync::inputs::Inputs;
use devspace_sync::protocol::{Heartbeat, Hello, Problem, RunConfig, VERSIONS, Welcome};
use devspace_sync::store::{Drift, Store};
use devspace_sync::wire::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::OwnedMutexGuard;

use super::answer::{self, Refusal};
use super::{Control, state};
use crate::supervisor::Command;

/// zstd's level for the manifest: hashes do not shrink, names do.
const LEVEL: i32 = 1;

// === impl Control ===

impl Control {
    pub(super) async fn hello(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let hello: Hello = answer::read(request).await?;
        let version = VERSIONS
            .iter()
            .copied()
            .filter(|version| hello.versions.contains(version))
            .max();
        let version = version.ok_or_else(|| {
            Refusal::new(
                StatusCode::CONFLICT,
                Problem::Versions {
                    agent: VERSIONS.to_vec(),
                },
            )
        })?;
        self.check_config(&hello.config)?;
        self.take_lease(&hello.client, hello.resume)?;
        let mut store = Arc::clone(&self.store).lock_owned().await;
        store.set_roots(&hello.config.roots).map_err(Refusal::failed)?;
        let (store, changed) = look(store, Store::look_at_changed).await?;
        let state = state(&store, changed);
        let newest_event = self.log.newest();
        let is_active = {
            let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
            configs.pending = Some(hello.config.clone());
            configs.active.as_ref() == Some(&hello.config)
        };
        if state.root == hello.root && !is_active {
            self.activate(hello.config, &store, &[]).await?;
        }
        drop(store);
        let attached = Command::Attached {
            is_new: !hello.resume,
        };
        self.supervisor.send(attached).await.map_err(Refusal::failed)?;
        answer::json(&Welcome {
            version,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.instance.clone(),
            state,
            newest_event,
        })
    }

    fn check_config(&self, config: &RunConfig) -> Result<(), Refusal> {
        if let Some(unknown) = config.roots.iter().find(|to| !self.targets.contains(*to)) {
            let known: Vec<&str> = self.targets.iter().map(String::as_str).collect();
            return Err(Refusal::refused(format!(
                "`{unknown}` is no sync target of this copy, which has: {}",
                known.join(", ")
            )));
        }
        if let Some(build) = &config.build {
            Inputs::try_new(&build.when).map_err(|error| Refusal::refused(error.to_string()))?;
        }
        Ok(())
    }

    pub(super) async fn heartbeat(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(&request)?;
        let heartbeat: Heartbeat = answer::read(request).await?;
        let store = Arc::clone(&self.store).lock_owned().await;
        let (store, changed) = if heartbeat.look {
            look(store, Store::look_at_changed).await?
        } else {
            (store, Vec::new())
        };
        let state = state(&store, changed);
        if state.root == heartbeat.root {
            let waiting = {
                let configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
                configs
                    .pending
                    .clone()
                    .filter(|pending| configs.active.as_ref() != Some(pending))
            };
            if let Some(config) = waiting {
                self.activate(config, &store, &[]).await?;
            }
        }
        answer::json(&state)
    }

    pub(super) async fn verify(&self, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(request)?;
        let store = Arc::clone(&self.store).lock_owned().await;
        let (store, changed) = look(store, Store::look_at_all).await?;
        answer::json(&state(&store, changed))
    }

    pub(super) async fn manifest(&self, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(request)?;
        let text = {
            let store = self.store.lock().await;
            serde_json::to_vec(store.manifest()).map_err(Refusal::failed)?
        };
        Ok(Response::new(answer::full(
            zstd::encode_all(text.as_slice(), LEVEL).map_err(Refusal::failed)?,
        )))
    }
}

/// Looks at the disk and takes over what it holds. Tells the paths whose content changed.
async fn look(
    mut store: OwnedMutexGuard<Store>,
    how: fn(&Store) -> Drift,
) -> Result<(OwnedMutexGuard<Store>, Vec<String>), Refusal> {
    let looked = tokio::task::spawn_blocking(move || {
        let drift = how(&store);
        let differs = |place: &devspace_sync::diff::Place| {
            let found = drift
                .set
                .iter()
                .find(|(other, ..)| other == place)
                .map(|(_, entry, _)| entry);
            store.manifest().get(&place.to, place.path.as_str()) != found
        };
        let changed = drift
            .places()
            .filter(|place| differs(place))
            .map(ToString::to_string)
            .collect();
        store.adopt(&drift).map(|()| (store, changed))
    });
    looked.await.map_err(Refusal::failed)?.map_err(Refusal::failed)
}
