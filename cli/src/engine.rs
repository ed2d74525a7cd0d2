//! The seam below every verb: where spaces live.
//!
//! An engine keeps the three objects (apply, get, list, watch, delete), opens connections into copies, and tells what a
//! copy's container writes. Everything above is written once, whatever the engine.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use devspace_api::names::Discovery;
use devspace_api::{Baseline, ServiceCopy, Space};
use devspace_sync::session::Dial;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite};

mod error;
pub(crate) mod kube;
pub(crate) mod local;

pub(crate) use error::{Attempt, EngineError};

use crate::report::Hint;
use kube::Kube;

/// A namespace and a name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    /// The namespace.
    pub(crate) namespace: String,
    /// The object's name.
    pub(crate) name: String,
}

/// A copy: baseline, space and service, and the personal namespace that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyRef {
    /// The baseline's namespace.
    pub(crate) baseline: String,
    /// The space.
    pub(crate) space: String,
    /// The service.
    pub(crate) service: String,
    /// The personal namespace.
    pub(crate) namespace: String,
}

/// Which engine this is and what it talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `kube` or `local`.
    pub(crate) engine: &'static str,
    /// The context of the kubeconfig; `local` for the local engine.
    pub(crate) context: String,
    /// Address of what keeps the objects.
    pub(crate) server: String,
    /// The namespace that the context names; a hint for the baseline.
    pub(crate) namespace: String,
}

/// Keeps objects of one kind.
pub(crate) trait Store<K>: Send + Sync {
    /// The object, or `None`.
    fn get<'a>(&'a self, at: &'a At) -> BoxFuture<'a, Result<Option<K>, EngineError>>;
    /// All objects of a namespace.
    fn list<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<K>, EngineError>>;
    /// Makes the object or changes the fields that `object` names. Fields of other writers stay.
    fn apply<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>>;
    /// Makes the object, or replaces it if `object` carries the version it was read at.
    ///
    /// # Errors
    /// [`EngineError::Conflict`], if it changed in between or exists already.
    fn put<'a>(&'a self, at: &'a At, object: K) -> BoxFuture<'a, Result<K, EngineError>>;
    /// Asks for the object's removal; `false` if it is not there.
    fn delete<'a>(&'a self, at: &'a At) -> BoxFuture<'a, Result<bool, EngineError>>;
    /// The object now and after every change; `None` while it is not there.
    /// It survives lost connections. Errors are told and watching goes on with a delay.
    fn watch(&self, at: &At) -> BoxStream<'static, Result<Option<K>, EngineError>>;
}

/// What of a log is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LogQuery {
    /// Go on with new lines until the container ends.
    pub(crate) follow: bool,
    /// Lines of the past. Unset: all.
    pub(crate) tail: Option<u32>,
}

/// The log of one container.
pub(crate) struct LogStream {
    /// The pod it is of. Unset where the engine keeps one log over all of them.
    pub(crate) pod: Option<String>,
    /// Its lines.
    pub(crate) lines: BoxStream<'static, Result<String, EngineError>>,
}

/// A command beside a copy's program.
pub(crate) enum Exec {
    /// It runs in the copy's container.
    There(Streams),
    /// It is to be run here, with this process's own streams.
    Here(Box<tokio::process::Command>),
}

/// A running command in a copy's container.
pub(crate) struct Streams {
    /// Its standard input.
    pub(crate) stdin: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its standard output.
    pub(crate) stdout: Pin<Box<dyn AsyncRead + Send>>,
    /// Its standard error; with a terminal it comes with the output.
    pub(crate) stderr: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Takes the terminal's width and height, if there is one.
    pub(crate) resize: Option<BoxResize>,
    /// Its exit code.
    pub(crate) exit: BoxFuture<'static, Result<u8, EngineError>>,
}

/// Tells the terminal's width and height.
pub(crate) type BoxResize = Box<dyn FnMut(u16, u16) + Send>;

// === impl Identity ===

impl Identity {
    /// The name of the engine that is a cluster.
    pub(crate) const KUBE: &'static str = "kube";
    /// The name of the engine that is this machine.
    pub(crate) const LOCAL: &'static str = "local";

    /// Whether this is the engine `local`.
    pub(crate) fn is_local(&self) -> bool {
        self.engine == Self::LOCAL
    }

    /// Where to look when what was asked for does not come about.
    pub(crate) fn look(&self) -> Hint {
        if self.is_local() {
            Hint::with("is the local engine well?", "devspace local status")
        } else {
            Hint::with(
                "is the controller running?",
                "kubectl -n devspace-system get pods",
            )
        }
    }
}

/// Where spaces live.
pub(crate) trait Engine: Send + Sync {
    /// What this engine is.
    fn identity(&self) -> &Identity;
    /// The user, as the engine sees them.
    fn user(&self) -> BoxFuture<'_, Result<String, EngineError>>;
    /// The baselines that exist, by namespace.
    fn discover(&self) -> BoxFuture<'_, Result<BTreeMap<String, Discovery>, EngineError>>;
    /// The Baselines.
    fn baselines(&self) -> &dyn Store<Baseline>;
    /// The Spaces.
    fn spaces(&self) -> &dyn Store<Space>;
    /// The ServiceCopies.
    fn copies(&self) -> &dyn Store<ServiceCopy>;
    /// A way to a port on the loopback of the copy's pod, whichever pod that is at the time of each call.
    fn dial(&self, copy: &CopyRef, port: u16) -> Arc<dyn Dial>;
    /// The log of the container that runs the service.
    fn logs<'a>(
        &'a self,
        copy: &'a CopyRef,
        query: LogQuery,
    ) -> BoxFuture<'a, Result<LogStream, EngineError>>;
    /// Runs a command beside the copy's program, where that runs.
    fn exec<'a>(
        &'a self,
        copy: &'a CopyRef,
        command: &'a [String],
        tty: bool,
    ) -> BoxFuture<'a, Result<Exec, EngineError>>;
    /// The cluster behind this engine, for what is about the team's own Services. Unset where there is none.
    fn cluster(&self) -> Option<&Kube> {
        None
    }
    /// What the engine complains about the copy's pod, newest last.
    fn troubles<'a>(&'a self, copy: &'a CopyRef) -> BoxFuture<'a, Result<Vec<String>, EngineError>>;
}
