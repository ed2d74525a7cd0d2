//! `cluster up`: builds what is missing, starts PID 1 in new namespaces, and returns when a first pod could start.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::control::{self, Question};
use super::down::{self, control_group_parents};
use super::layout::{API_PORT, Layout, NODE, NODE_IP};
use super::load;
use super::namespace::Namespace;
use super::{config, pki};
use crate::go_tools::{self, Tool};
use crate::places::{self, make_folder, write_file};
use crate::process::{self, command};
use crate::{host, wait};

/// How long PID 1 may take until it answers.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// What `cluster up` found or made.
pub(crate) enum Found {
    /// It ran already.
    Running,
    /// It was started; the time from the first check to a ready cluster.
    Started(Duration),
}

/// Starts the cluster unless it runs. When this returns the node is Ready, DNS answers, the default ServiceAccount
/// exists, and the kubeconfig for programs outside is written.
///
/// # Errors
/// The machine cannot run one, a build fails, or a component does not become ready. What was started is ended again; its
/// logs stay until the next `up` or `down`.
pub(crate) fn up(layout: &Layout) -> Result<Found> {
    let started = Instant::now();
    host::prepare(host::CLUSTER)?;
    host::kernel_module("br_netfilter", "/proc/sys/net/bridge")?;
    host::kernel_module("overlay", "/sys/module/overlay")?;
    let _lock = places::lock(&places::cache()?.join("locks").join(layout.control_group()))?;
    if Namespace::find(layout).is_some() {
        return Ok(Found::Running);
    }
    down::down(layout)?;
    make_folder(layout.root())?;
    let result = start(layout);
    if result.is_err() {
        down::end(layout)?;
    }
    result.with_context(|| {
        format!(
            "the cluster did not start; its logs are in {}",
            layout.path("logs").display()
        )
    })?;
    Ok(Found::Started(started.elapsed()))
}

fn start(layout: &Layout) -> Result<()> {
    link_tools(layout)?;
    let pause = load::own_archive(&go_tools::PAUSE, config::PAUSE_IMAGE)?;
    let coredns = load::own_archive(&go_tools::COREDNS, COREDNS_IMAGE)?;
    pki::make(layout)?;
    config::write(layout)?;
    make_control_groups(&layout.control_group())?;
    start_namespaces(layout)?;
    open_api_port(layout)?;
    control::ask(layout, &Question::Started, None)?;
    let namespace = Namespace::running(layout)?;
    load::import(layout, &namespace, &pause)?;
    load::import(layout, &namespace, &coredns)?;
    let manifests = places::repository().join("xtask/cluster/manifests");
    run_inside(
        layout,
        &namespace,
        &["kubectl", "apply", "--filename", &manifests.to_string_lossy()],
    )?;
    let node = format!("node={NODE}");
    let ready = [
        "kube",
        "await",
        "--limit=2m",
        "--kubeconfig",
        &layout.text("pki/admin.kubeconfig"),
        &node,
        "serviceaccount=default/default",
        "deployment=kube-system/coredns",
    ];
    run_inside(layout, &namespace, &ready)
}

/// The name of the DNS server's image.
const COREDNS_IMAGE: &str = "devspace.test/coredns:1";

fn run_inside(layout: &Layout, namespace: &Namespace, program: &[&str]) -> Result<()> {
    let program: Vec<String> = program.iter().map(|&word| word.to_owned()).collect();
    process::output(&mut namespace.command(layout, &program)?)?;
    Ok(())
}

/// Makes the folder of programs that `cluster exec` and tests have on their path.
fn link_tools(layout: &Layout) -> Result<()> {
    let folder = layout.path("bin");
    make_folder(&folder)?;
    let link = |name: &str, to: &Path| {
        std::os::unix::fs::symlink(to, folder.join(name)).with_context(|| format!("cannot link {name}"))
    };
    for tool in go_tools::ALL {
        link(tool.name, &tool.built()?)?;
    }
    link("kubectl", Path::new("kube"))?;
    link("helm", Path::new("helm3"))
}

/// The kubelet wants the group under which it puts all pods to exist in every controller.
fn make_control_groups(name: &str) -> Result<()> {
    let parents = control_group_parents(Path::new("/sys/fs/cgroup"));
    if parents.is_empty() {
        bail!("/sys/fs/cgroup holds no control groups: mount them, as Debian's init does");
    }
    parents
        .iter()
        .try_for_each(|parent| make_folder(&parent.join(name)))
}

fn start_namespaces(layout: &Layout) -> Result<()> {
    let program = places::program()?;
    let log = File::create(layout.path("logs/init.log")).context("cannot make the log of PID 1")?;
    let errors = log.try_clone().context("cannot share a log")?;
    let private = [
        "--net",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    let mut unshare = command("setsid", ["unshare"]);
    unshare
        .args(private)
        .arg("--")
        .arg(program)
        .args(["cluster-init", "--state"])
        .arg(layout.root());
    unshare
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    let mut child = unshare.spawn().context("cannot start unshare")?;
    write_file(&layout.pid_file(), child.id().to_string())?;
    let mut ended = None;
    let answers = wait::until(ANSWER_LIMIT, || {
        ended = child.try_wait().ok().flatten();
        ended.is_some() || control::ask(layout, &Question::Status, None).is_ok()
    });
    if answers && ended.is_none() {
        return Ok(());
    }
    let said = fs::read_to_string(layout.path("logs/init.log")).unwrap_or_default();
    bail!("the cluster's first process did not come up:\n{said}")
}

/// Opens a port of the machine's loopback that leads to the API server, and writes the kubeconfig that names it.
fn open_api_port(layout: &Layout) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot open a port on 127.0.0.1")?;
    let address = listener.local_addr().context("the port has no address")?;
    let target = format!("{NODE_IP}:{API_PORT}")
        .parse()
        .context("the node's address is not an address")?;
    let question = Question::Forward {
        target,
        what: "kube-apiserver".to_owned(),
    };
    control::ask(layout, &question, Some(&listener))?;
    let config = pki::kubeconfig(layout, "admin", "admin", &format!("https://{address}"))?;
    write_file(&layout.kubeconfig(), config)
}

/// The version of the tool with this name, for `cluster status`.
pub(crate) fn versions() -> impl Iterator<Item = &'static Tool> {
    go_tools::ALL.iter()
}
