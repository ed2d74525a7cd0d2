//! PID 1 of a cluster's namespaces: sets the network and the mounts up, runs the supervisor, reaps processes, answers
//! on the control socket and relays forwarded ports. It ends only by SIGKILL, and every process inside ends with it.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Resource, WaitOptions, getrlimit, setrlimit, wait};

use super::components;
use super::control::{self, Answer, ForwardState, Question};
use super::layout::{Layout, NODE, NODE_IP};
use super::relay;
use super::supervisor::{EXITED_WELL, Event, Order, Supervisor};
use crate::places::{make_folder, write_file};
use crate::process::{self, command};

/// How `cluster up` starts this program.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The state folder.
    #[arg(long)]
    state: PathBuf,
}

/// Runs until it is killed.
///
/// # Errors
/// The namespaces cannot be set up.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let layout = Layout::at(arguments.state.clone());
    set_up_mounts(&layout)?;
    set_up_network()?;
    set_up_limits().context("cannot raise the limit of open files")?;
    let (events, heard) = sync_channel(64);
    let (spawned, reasons_to_reap) = sync_channel(1);
    let supervisor = Supervisor::new(components::all(&layout), layout.path("logs"), spawned);
    let listener = UnixListener::bind(layout.control_socket()).context("cannot open the control socket")?;
    let desk = Arc::new(Desk {
        events: events.clone(),
        forwards: Mutex::default(),
    });
    start_thread("reaper", move || reap(&reasons_to_reap, &events))?;
    start_thread("control", move || serve(&listener, &desk))?;
    supervisor.run(&heard);
    Err(anyhow!("the control socket and the reaper have ended"))
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .with_context(|| format!("cannot start thread {name}"))?;
    Ok(())
}

/// Nothing of what the programs write outside the state folder may be left on the machine: those places are mounts of
/// this namespace.
fn set_up_mounts(layout: &Layout) -> Result<()> {
    let mount = |arguments: &[&str]| process::output(&mut command("mount", arguments)).map(drop);
    mount(&["--make-rprivate", "/"])?;
    mount(&["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])?;
    make_folder("/run/netns".as_ref())?;
    for (ours, place) in [
        ("var-log", "/var/log"),
        ("var-lib-cni", "/var/lib/cni"),
        ("kubelet", "/var/lib/kubelet"),
    ] {
        make_folder(place.as_ref())?;
        mount(&["--bind", &layout.text(ours), place])?;
    }
    // sysfs shows the network interfaces of the namespace that mounted it, and hides the machine's own.
    fs::write("/proc/sys/kernel/hostname", NODE).context("cannot name the node")
}

/// The node's address is on a bridge, because a kernel may lack the dummy interface type. The default route leads
/// nowhere; without one the API server does not accept the address.
fn set_up_network() -> Result<()> {
    let lines = format!(
        "link set lo up\nlink add node0 type bridge\naddress add {NODE_IP}/24 dev node0\nlink set node0 up\n\
         route add default via 10.99.0.254 dev node0\n"
    );
    let file = PathBuf::from("/run/network");
    write_file(&file, lines)?;
    process::output(command("ip", ["-batch"]).arg(&file)).context("cannot make the node's network")?;
    for (setting, value) in [
        ("/proc/sys/net/ipv4/ip_forward", "1"),
        ("/proc/sys/net/bridge/bridge-nf-call-iptables", "1"),
    ] {
        fs::write(setting, value).with_context(|| format!("cannot set {setting}"))?;
    }
    Ok(())
}

/// Programs inherit the limit. A login shell's is often 1024, which a node's containers outgrow.
fn set_up_limits() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Collects every process that ends: our components, and the orphans that the kernel gives to PID 1.
fn reap(reasons: &Receiver<()>, events: &SyncSender<Event>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => {
                let how = match (status.exit_status(), status.terminating_signal()) {
                    (Some(0), _) => EXITED_WELL.to_owned(),
                    (Some(code), _) => format!("exit status {code}"),
                    (None, Some(signal)) => format!("signal {signal}"),
                    (None, None) => continue,
                };
                if events
                    .send(Event::Ended {
                        pid: pid.as_raw_nonzero().get(),
                        how,
                    })
                    .is_err()
                {
                    return;
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // There is no process to wait for until the supervisor starts one.
            Err(_) => {
                if reasons.recv().is_err() {
                    return;
                }
            }
        }
    }
}

/// What the threads of the control socket share.
struct Desk {
    events: SyncSender<Event>,
    forwards: Mutex<Vec<ForwardState>>,
}

fn serve(listener: &UnixListener, desk: &Arc<Desk>) {
    for stream in listener.incoming().flatten() {
        let desk = Arc::clone(desk);
        // Without a thread the connection is closed at once, which its client sees.
        drop(
            thread::Builder::new()
                .name("control".to_owned())
                .spawn(move || desk.serve_one(&stream)),
        );
    }
}

impl Desk {
    fn serve_one(&self, stream: &UnixStream) {
        let answer = match control::receive(stream) {
            Ok((question, listener)) => self.answer(question, listener),
            Err(error) => Answer::Refused {
                reason: format!(
                    "this cluster does not know that question ({error}): it may be of another version; run `down` and `up`"
                ),
            },
        };
        // Who asked may have gone.
        let _ = control::reply(stream, &answer);
    }

    fn answer(&self, question: Question, listener: Option<TcpListener>) -> Answer {
        let done = match question {
            Question::Status => self.order(Order::Status),
            Question::Started => self.order(Order::Started),
            Question::Kill { name } => self.order(Order::Kill(name)),
            Question::Start { name } => self.order(Order::Start(name)),
            Question::Restart { name } => self.order(Order::Restart(name)),
            Question::Forward { target, what } => self
                .forward(listener, target, what)
                .and_then(|()| self.order(Order::Status)),
        };
        done.unwrap_or_else(|reason| Answer::Refused { reason })
    }

    fn order(&self, order: Order) -> Result<Answer, String> {
        let gone = |_| "the supervisor has ended".to_owned();
        let (answer, answered) = sync_channel(1);
        self.events
            .send(Event::Asked { order, answer })
            .map_err(|_| gone(()))?;
        let components = answered.recv().map_err(|_| gone(()))??;
        let forwards = self
            .forwards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Ok(Answer::Done { components, forwards })
    }

    fn forward(&self, listener: Option<TcpListener>, target: SocketAddr, what: String) -> Result<(), String> {
        let listener = listener.ok_or("no listening socket came with the question")?;
        let listen = listener
            .local_addr()
            .map_err(|error| format!("the socket has no address: {error}"))?;
        let serve = move || relay::serve(&listener, target);
        let thread = thread::Builder::new().name("forward".to_owned()).spawn(serve);
        thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        forwards.push(ForwardState { listen, target, what });
        Ok(())
    }
}
