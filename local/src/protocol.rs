//! What the CLI and the daemon say to each other: HTTP/1.1 over a Unix socket, bodies in JSON.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /v1/daemon` | [`Daemon`] |
//! | `POST /v1/stop` | 202; everything is stopped, then the daemon ends and the socket's file goes |
//! | `GET /v1/workspaces` | a list of [`WorkspaceState`] |
//! | `PUT /v1/workspaces/{name}` with [`Workspace`] | [`WorkspaceState`] at once; the services start after it |
//! | `DELETE /v1/workspaces/{name}` | 200, or 404 |
//! | `GET /v1/workspaces/{name}/watch` | a line of [`WorkspaceState`] now and after each change |
//! | `GET /v1/{plural}/{namespace}` | a list of objects |
//! | `GET /v1/{plural}/{namespace}/{name}` | the object, or 404 |
//! | `PATCH /v1/{plural}/{namespace}/{name}` | the object after the change: what the body names of labels, annotations and spec replaces what was there, fields it does not name stay; made where it was not there |
//! | `PUT /v1/{plural}/{namespace}/{name}` | made, or replaced if the body's `resourceVersion` is the current one; else 409 |
//! | `DELETE /v1/{plural}/{namespace}/{name}` | 200 once removal is asked for, or 404; the object stays with a deletion timestamp until no request is routed by it |
//! | `GET /v1/{plural}/{namespace}/{name}/watch` | a line now and after each change: the object, or `null` while it is not there |
//! | `GET /v1/copies/{namespace}/{service}/dial/{port}` with `Connection: Upgrade`, `Upgrade: devspace-dial` | 101, then the bytes of that port of the copy |
//! | `GET /v1/copies/{namespace}/{service}/logs?follow=true&tail=N` | a line of plain text for each line that the program wrote |
//! | `GET /v1/copies/{namespace}/{service}/context` | [`Context`] |
//!
//! `{plural}` is `baselines`, `spaces` or `servicecopies`. A baseline service's own folder is reached as the copy in
//! the namespace that carries the workspace's name. Lines end with `\n`. Every answer that is no success has a
//! [`Fault`] as its body.

use std::collections::BTreeMap;
use std::path::PathBuf;

use devspace_sync::session::{Program, SyncRoot};
use serde::{Deserialize, Serialize};

/// The version of this protocol. A daemon of another one is told from its [`Daemon`] and must be restarted.
pub const PROTOCOL: u32 = 1;
/// The variable that names the state folder.
pub const STATE_VARIABLE: &str = "DEVSPACE_LOCAL_STATE";
/// The socket's name in the state folder.
pub const SOCKET: &str = "socket";
/// What an upgraded connection carries.
pub const UPGRADE: &str = "devspace-dial";

/// The daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Daemon {
    /// [`PROTOCOL`] as the daemon was built with it.
    pub protocol: u32,
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The state folder.
    pub state: PathBuf,
    /// The user that it works for.
    pub user: String,
}

/// An application whose services run here as a baseline. The CLI reads the files and sends what they say, so that the
/// daemon needs no file of the user to come back after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Its name, a DNS label; the baseline's name and namespace.
    pub name: String,
    /// The workspace file.
    pub file: PathBuf,
    /// The public host, without a port. Unset: `localhost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The gateway's port that is asked for. Where it is taken another one is picked, and [`WorkspaceState`] says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Path prefixes of the gateway and the service that answers each. Empty: `/` is the first service.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    /// The services in the order of the file.
    pub services: Vec<WorkspaceService>,
}

/// One service of a workspace: what `up` would make of its folder, without a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceService {
    /// Its name.
    pub name: String,
    /// The folder of its `devspace.yaml`.
    pub folder: PathBuf,
    /// The ports that it listens on, as its file numbers them; the first one is the service's. At least one.
    pub ports: Vec<u16>,
    /// The debugger's port, as its file numbers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug: Option<u16>,
    /// Folders that outlive the program, absolute as in a container.
    #[serde(default)]
    pub cache: Vec<String>,
    /// What is synced into the service's own folder.
    pub roots: Vec<SyncRoot>,
    /// What is built and run.
    pub program: Program,
    /// `local.env`, with its placeholders. Its copies take it over.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// How a workspace stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceState {
    /// Its name.
    pub name: String,
    /// The workspace file.
    pub file: PathBuf,
    /// The gateway: `http://localhost:7080`.
    pub url: String,
    /// Who holds the port that was asked for, where another one had to be picked: `port 7080 is taken by nginx (pid 12)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_note: Option<String>,
    /// The services in the order of the file.
    pub services: Vec<ServiceState>,
}

/// How one service of a workspace stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub phase: ServicePhase,
    /// Its address behind the router, as baseline services call it: `http://127.0.0.1:41873`.
    pub url: String,
    /// What is wrong, with the last lines where the program or the build failed. Empty where nothing is.
    #[serde(default)]
    pub trouble: String,
    /// How often the program ended by itself since the last `local start`.
    #[serde(default)]
    pub crashes: u32,
}

/// Where a service of a workspace stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServicePhase {
    /// Its files are on the way.
    Syncing,
    /// Its build runs.
    Building,
    /// Its program has not listened yet.
    Starting,
    /// It takes requests.
    Ready,
    /// It was ready and is not; it is started again after a while.
    Down,
    /// Its build failed, or it never became ready.
    Failed,
    /// A program that it needs is not on this machine. It is left out, and the rest goes on.
    Missing,
}

/// Where a copy's commands run, for `exec`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    /// The working directory.
    pub folder: PathBuf,
    /// All of the environment.
    pub env: BTreeMap<String, String>,
    /// Paths as in a container, and the folders that stand for them.
    pub paths: BTreeMap<String, PathBuf>,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// One word for programs: `notFound`, `conflict`, `invalid`, `notRunning`, `failed`.
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
}
