//! `cluster user`: a person with a client certificate.

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use super::namespace::Namespace;
use super::pki::{self, Subject};

/// Who the certificate names.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The user's name.
    name: String,
    /// A group of the user; may be given several times.
    #[arg(long = "group")]
    groups: Vec<String>,
    /// Name the API server's address inside the namespaces, for programs that run there.
    #[arg(long)]
    inside: bool,
}

impl Arguments {
    /// A user with one group, for programs outside.
    pub(super) fn new(name: &str, group: &str) -> Self {
        Self {
            name: name.to_owned(),
            groups: vec![group.to_owned()],
            inside: false,
        }
    }
}

/// Makes the certificate and answers a kubeconfig that holds it.
///
/// # Errors
/// No cluster runs, or openssl fails.
pub(crate) fn kubeconfig(layout: &Layout, arguments: &Arguments) -> Result<String> {
    Namespace::running(layout)?;
    if arguments.name.is_empty() {
        bail!("a user has a name");
    }
    let folder = tempfile::tempdir_in(layout.path("pki")).context("cannot make a temporary folder")?;
    let place = folder
        .path()
        .file_name()
        .context("a temporary folder has a name")?
        .to_string_lossy()
        .into_owned();
    let subject = Subject {
        file: format!("{place}/user"),
        name: arguments.name.clone(),
        groups: arguments.groups.clone(),
        serves: Vec::new(),
    };
    pki::sign(&layout.path("pki"), &subject)?;
    let server = if arguments.inside {
        pki::inside_server()
    } else {
        outside_server(layout)?
    };
    pki::kubeconfig(layout, &arguments.name, &subject.file, &server)
}

/// The address that the administrator's kubeconfig names.
fn outside_server(layout: &Layout) -> Result<String> {
    let text = crate::places::read_file(&layout.kubeconfig())?;
    let config: serde_json::Value =
        serde_saphyr::from_str(&text).context("cannot read the cluster's kubeconfig")?;
    let server = config
        .pointer("/clusters/0/cluster/server")
        .and_then(serde_json::Value::as_str);
    server
        .map(str::to_owned)
        .context("the cluster's kubeconfig names no server")
}
