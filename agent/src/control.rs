//! The control listener: what the CLI's session asks of the copy. The protocol is in `devspace_sync::protocol`.

mod answer;
mod batch;
mod hello;
mod lease;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use devspace_sync::diff::Place;
use devspace_sync::inputs::Inputs;
use devspace_sync::protocol::{RunConfig, State};
use devspace_sync::store::Store;
use devspace_sync::wire::{self, Body};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::events::EventLog;
use crate::listener::Listener;
use crate::saved::Saved;
use crate::supervisor::{Command, Content, Handle};
use crate::tunnel;

use answer::Refusal;
use lease::Lease;

/// Shared by all connections.
#[derive(Debug)]
pub struct Control {
    store: Arc<tokio::sync::Mutex<Store>>,
    stage_folder: PathBuf,
    targets: BTreeSet<String>,
    supervisor: Handle,
    log: Arc<EventLog>,
    saved: Saved,
    gateway: Option<String>,
    instance: String,
    lease: Mutex<Option<Lease>>,
    configs: Mutex<Configs>,
    tunnels: TaskTracker,
}

#[derive(Debug, Default)]
struct Configs {
    /// What the supervisor works by.
    active: Option<RunConfig>,
    /// What takes effect when the content that it came with is there.
    pending: Option<RunConfig>,
}

// === impl Control ===

impl Control {
    /// The control of `store`, whose supervisor is at `supervisor`.
    #[must_use]
    pub fn new(
        store: Store,
        supervisor: Handle,
        log: Arc<EventLog>,
        saved: Saved,
        gateway: Option<String>,
    ) -> Self {
        Self {
            stage_folder: store.stage_folder(),
            targets: store.targets().into_iter().collect(),
            store: Arc::new(tokio::sync::Mutex::new(store)),
            supervisor,
            log,
            saved,
            gateway,
            instance: uuid::Uuid::now_v7().to_string(),
            lease: Mutex::default(),
            configs: Mutex::default(),
            tunnels: TaskTracker::new(),
        }
    }

    /// Starts what an earlier session left: the program runs on after its pod was replaced, with no client there.
    pub async fn resume(&self) {
        let Some(config) = self.saved.config() else { return };
        let store = self.store.lock().await;
        if let Err(refusal) = self.activate(config, &store, &[]).await {
            tracing::warn!(?refusal, "the saved configuration was not taken up");
        }
    }

    /// Serves connections until it is dropped.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control listener failed to accept");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            let control = Arc::clone(&self);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let control = Arc::clone(&control);
                    async move { Ok::<_, Infallible>(control.answer(request).await) }
                });
                if let Err(error) = wire::server()
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                {
                    tracing::debug!(%error, "a connection of the CLI ended");
                }
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = match (request.method(), request.uri().path()) {
            (&Method::POST, "/hello") => self.hello(request).await,
            (&Method::GET, "/events") => self.events(&request),
            (&Method::GET, "/state") => self.tell_state().await,
            (&Method::GET, "/manifest") => self.manifest(&request).await,
            (&Method::POST, "/batch") => self.batch(request).await,
            (&Method::POST, "/heartbeat") => self.heartbeat(request).await,
            (&Method::POST, "/verify") => self.verify(&request).await,
            (&Method::POST, "/restart") => self.restart(&request).await,
            (&Method::CONNECT, _) => self.tunnel(request).await,
            _ => Err(Refusal::refused("this agent does not know the request")),
        };
        answered.unwrap_or_else(|refusal| {
            tracing::debug!(?refusal, "a request was refused");
            refusal.response()
        })
    }

    /// What the copy holds, for anyone who reaches the agent: it changes nothing and takes nothing from a session.
    async fn tell_state(&self) -> Result<Response<Body>, Refusal> {
        let store = self.store.lock().await;
        answer::json(&state(&store, Vec::new()))
    }

    async fn restart(&self, request: &Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(request)?;
        self.supervisor
            .send(Command::Restart)
            .await
            .map_err(Refusal::failed)?;
        answer::json(&())
    }

    async fn tunnel(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.check_lease(&request)?;
        let gateway = self
            .gateway
            .as_deref()
            .ok_or_else(|| Refusal::refused("this copy knows no gateway"))?;
        let upstream = tunnel::open(gateway).await.map_err(Refusal::failed)?;
        self.tunnels.spawn(tunnel::relay(request, upstream));
        Ok(answer::empty())
    }

    /// Takes up `config` for what the store holds; `places` are what a batch touched.
    async fn activate(&self, config: RunConfig, store: &Store, places: &[Place]) -> Result<(), Refusal> {
        let is_new = {
            let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
            configs.pending = None;
            let is_new = configs.active.as_ref() != Some(&config);
            configs.active = Some(config.clone());
            is_new
        };
        if is_new {
            self.saved.keep_config(&config).map_err(Refusal::failed)?;
        }
        let digest = match &config.build {
            None => None,
            Some(build) => {
                let inputs = Inputs::try_new(&build.when).map_err(Refusal::failed)?;
                (is_new || inputs.touched_by(places)).then(|| inputs.digest(build, store.manifest()))
            }
        };
        let restarts = match &config.restart {
            None => config.build.is_none(),
            Some(globs) if globs.is_empty() => false,
            Some(globs) => Inputs::try_new(globs)
                .map_err(Refusal::failed)?
                .touched_by(places),
        };
        let content = Content {
            revision: store.revision(),
            config,
            digest,
            restarts,
        };
        self.supervisor
            .send(Command::Content(Box::new(content)))
            .await
            .map_err(Refusal::failed)
    }

    fn wanted_config(&self) -> Option<RunConfig> {
        let configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        configs.pending.clone().or_else(|| configs.active.clone())
    }
}

/// The store's state; `changed` are paths that something in the copy changed.
fn state(store: &Store, changed: Vec<String>) -> State {
    State {
        revision: store.revision(),
        root: store.root(),
        changed_there: changed,
    }
}
