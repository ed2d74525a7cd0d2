//! A process group: the program or the build, with all that it starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use devspace_sync::session::{Exit, OutputStream};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::reap::Children;

/// A line is cut here; the rest is a line of its own. Bounds the memory that a program without line ends takes.
const LINE_MAX: usize = 16 * 1024;
/// How long the last output may take to be read after the process has ended.
/// What a process that it left behind still writes is not waited for.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// Where lines go. It must not block.
pub type Sink = Arc<dyn Fn(OutputStream, &str) + Send + Sync>;

/// What to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// All of its environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// Its working directory; `None` means ours.
    pub working_dir: Option<PathBuf>,
}

/// A running group. Dropping it kills all of it.
#[derive(Debug)]
pub struct Group {
    child: Child,
    pid: Pid,
    children: Children,
    output: JoinSet<()>,
    exit: Option<Exit>,
}

// === impl Group ===

impl Group {
    /// Starts a group whose lines go to `sink`.
    ///
    /// # Errors
    /// What the system says, for example that the program is not there.
    pub fn start(start: &Start, children: &Children, sink: &Sink) -> io::Result<Self> {
        let Some((program, arguments)) = start.command.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no command"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(&start.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = &start.working_dir {
            command.current_dir(folder);
        }
        let mut child = children.start(|| command.spawn(), Child::id)?;
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no id"))?;
        let mut output = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            output.spawn(pump(stdout, OutputStream::Stdout, Arc::clone(sink)));
        }
        if let Some(stderr) = child.stderr.take() {
            output.spawn(pump(stderr, OutputStream::Stderr, Arc::clone(sink)));
        }
        Ok(Self {
            child,
            pid,
            children: children.clone(),
            output,
            exit: None,
        })
    }

    /// Waits until its first process has ended and its output was read. Cancel safe.
    pub async fn ended(&mut self) -> Exit {
        if self.exit.is_none() {
            let status = self.child.wait().await;
            self.note(status.ok());
        }
        let output = &mut self.output;
        let read = tokio::time::timeout(LAST_OUTPUT, async { while output.join_next().await.is_some() {} });
        if read.await.is_err() {
            tracing::debug!("a process holds the output of one that has ended");
        }
        self.exit.unwrap_or(Exit::Unknown)
    }

    /// Sends `signal` to every process of it.
    pub fn signal(&self, signal: Signal) {
        // A group that is gone is what the caller wants.
        let _ = kill_process_group(self.pid, signal);
    }

    /// No process of it is left.
    pub fn is_gone(&mut self) -> bool {
        if self.exit.is_none() {
            match self.child.try_wait() {
                Ok(None) => return false,
                Ok(Some(status)) => self.note(Some(status)),
                Err(_) => self.note(None),
            }
        }
        test_kill_process_group(self.pid).is_err()
    }

    fn note(&mut self, status: Option<ExitStatus>) {
        self.children
            .forget(self.pid.as_raw_nonzero().get().unsigned_abs());
        self.exit = Some(status.map_or(Exit::Unknown, exit_of));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    status
        .code()
        .map(Exit::Code)
        .or_else(|| status.signal().map(Exit::Signal))
        .unwrap_or(Exit::Unknown)
}

/// Reads lines until the stream ends. Bytes that are not UTF-8 are replaced.
async fn pump(stream: impl AsyncRead + Unpin, which: OutputStream, sink: Sink) {
    let mut reader = BufReader::with_capacity(LINE_MAX, stream);
    let mut line: Vec<u8> = Vec::new();
    loop {
        let available = match reader.fill_buf().await {
            Ok([]) | Err(_) => break,
            Ok(available) => available,
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let room = LINE_MAX - line.len();
        let taken = end.unwrap_or(available.len()).min(room);
        line.extend(available.iter().take(taken));
        let whole = end == Some(taken);
        reader.consume(taken + usize::from(whole));
        if whole || line.len() == LINE_MAX {
            emit(&mut line, which, &sink);
        }
    }
    if !line.is_empty() {
        emit(&mut line, which, &sink);
    }
}

fn emit(line: &mut Vec<u8>, which: OutputStream, sink: &Sink) {
    let text = String::from_utf8_lossy(line);
    sink(which, text.trim_end_matches('\r'));
    line.clear();
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn collector() -> (Sink, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let inner = Arc::clone(&lines);
        (
            Arc::new(move |_, line: &str| inner.lock().unwrap().push(line.to_owned())),
            lines,
        )
    }

    fn shell(script: &str) -> Start {
        Start {
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            environment: BTreeMap::new(),
            working_dir: None,
        }
    }

    async fn gone(group: &mut Group) {
        tokio::time::timeout(Duration::from_secs(10), async {
            while !group.is_gone() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn all_output_is_there_when_the_end_is_told() {
        let (sink, lines) = collector();
        let script = "printf 'a\\nb'; printf '\\377\\n' >&2; exit 3";
        let mut group = Group::start(&shell(script), &Children::default(), &sink).unwrap();
        assert_eq!(group.ended().await, Exit::Code(3));
        let mut lines = lines.lock().unwrap().clone();
        lines.sort();
        assert_eq!(lines, ["a", "b", "\u{fffd}"]);
    }

    #[tokio::test]
    async fn a_stop_reaches_what_the_program_started() {
        let (sink, lines) = collector();
        let script = "trap '' TERM; (trap '' TERM; echo ready; exec sleep 1000) & wait; wait";
        let mut group = Group::start(&shell(script), &Children::default(), &sink).unwrap();
        tokio::time::timeout(Duration::from_secs(10), async {
            while lines.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        group.signal(Signal::TERM);
        assert!(!group.is_gone());
        group.signal(Signal::KILL);
        gone(&mut group).await;
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let (sink, _) = collector();
        let start = Start {
            command: vec!["/no/such".to_owned()],
            ..shell("")
        };
        assert!(Group::start(&start, &Children::default(), &sink).is_err());
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let (sink, lines) = collector();
        let script = "head -c 40000 /dev/zero | tr '\\0' x";
        let start = Start {
            environment: std::env::vars_os().collect(),
            ..shell(script)
        };
        let mut group = Group::start(&start, &Children::default(), &sink).unwrap();
        group.ended().await;
        assert_eq!(
            lines.lock().unwrap().iter().map(String::len).collect::<Vec<_>>(),
            [16384, 16384, 7232]
        );
    }
}
