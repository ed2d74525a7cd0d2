//! What is said on the control socket: one JSON line asks, one JSON line answers. A listening socket may travel with
//! the question, because a socket keeps the network namespace in which it was made: that is how a port of the machine
//! reaches into the cluster.

use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::layout::Layout;

/// What a client asks of PID 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Question {
    /// The state of every component.
    Status,
    /// Waits until the second stage was started, or until that has failed.
    Started,
    /// Ends a component with SIGKILL and leaves it down.
    Kill { name: String },
    /// Starts a component that is down.
    Start { name: String },
    /// Ends a component with SIGKILL and starts it again.
    Restart { name: String },
    /// Relays the connections of the listener that comes with the question.
    Forward { target: SocketAddr, what: String },
}

/// What PID 1 answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It is done.
    Done {
        components: Vec<ComponentState>,
        forwards: Vec<ForwardState>,
    },
    /// It cannot be done.
    Refused { reason: String },
}

/// The state of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ComponentState {
    /// Its name.
    pub(crate) name: String,
    /// Its process inside the namespaces, while it runs.
    pub(crate) pid: Option<i32>,
    /// How often it was started.
    pub(crate) starts: u32,
    /// How its last process ended.
    pub(crate) last_exit: Option<String>,
}

/// One port of the machine that leads into the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForwardState {
    /// The address on the machine.
    pub(crate) listen: SocketAddr,
    /// The address inside.
    pub(crate) target: SocketAddr,
    /// What the target is, for people.
    pub(crate) what: String,
}

/// Asks PID 1 of the cluster and waits for its answer.
///
/// # Errors
/// No cluster runs here, it does not answer within two minutes, or it refuses.
pub(crate) fn ask(layout: &Layout, question: &Question, listener: Option<&TcpListener>) -> Result<Answer> {
    let socket = layout.control_socket();
    let stream = UnixStream::connect(&socket).with_context(|| {
        format!(
            "no cluster answers at {}: start one with `cargo xtask cluster up`",
            socket.display()
        )
    })?;
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .context("cannot set a time limit on a socket")?;
    send(&stream, question, listener).context("cannot ask the cluster")?;
    let mut line = String::new();
    BufReader::new(&stream)
        .read_line(&mut line)
        .context("the cluster does not answer")?;
    let answer = serde_json::from_str(&line)
        .with_context(|| format!("the cluster gave an unknown answer: {line:?}"))?;
    match answer {
        Answer::Refused { reason } => bail!(reason),
        done @ Answer::Done { .. } => Ok(done),
    }
}

fn send(stream: &UnixStream, question: &Question, listener: Option<&TcpListener>) -> io::Result<()> {
    let line = format!("{}\n", serde_json::to_string(question)?);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = listener.iter().map(|listener| listener.as_fd()).collect();
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let sent = sendmsg(
        stream,
        &[IoSlice::new(line.as_bytes())],
        &mut ancillary,
        SendFlags::empty(),
    )?;
    let rest = line.as_bytes().get(sent..).unwrap_or_default();
    let mut stream = stream;
    stream.write_all(rest)
}

/// Reads one question, and the listener that came with it.
///
/// # Errors
/// The client went away, or sent what is not a question.
pub(crate) fn receive(stream: &UnixStream) -> io::Result<(Question, Option<TcpListener>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut buffer = [0; 4096];
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut buffer)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?
    .bytes;
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let listener = descriptors
        .next()
        .and_then(|mut descriptors| descriptors.next())
        .map(|fd: OwnedFd| fd.into());
    let mut line = String::new();
    let first = buffer.get(..received).unwrap_or_default();
    BufReader::new(first.chain(stream))
        .take(64 * 1024)
        .read_line(&mut line)?;
    Ok((serde_json::from_str(&line)?, listener))
}

/// Writes the answer.
///
/// # Errors
/// The client went away.
pub(crate) fn reply(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    writeln!(stream, "{}", serde_json::to_string(answer)?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_question_and_its_listener_arrive_together() {
        let (client, server) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = "10.99.0.1:6443".parse().unwrap();
        send(
            &client,
            &Question::Forward {
                target,
                what: "api".into(),
            },
            Some(&listener),
        )
        .unwrap();
        drop(listener);
        let (question, received) = receive(&server).unwrap();
        assert!(matches!(question, Question::Forward { target: to, .. } if to == target));
        let received = received.expect("a listener");
        let connected = TcpStream::connect(address).unwrap();
        assert_eq!(received.accept().unwrap().1, connected.local_addr().unwrap());
    }

    #[test]
    fn a_question_without_a_listener_has_none() {
        let (client, server) = UnixStream::pair().unwrap();
        send(&client, &Question::Kill { name: "etcd".into() }, None).unwrap();
        let (question, received) = receive(&server).unwrap();
        assert!(matches!(question, Question::Kill { name } if name == "etcd"));
        assert!(received.is_none());
    }
}
