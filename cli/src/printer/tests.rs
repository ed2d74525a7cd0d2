use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::event::{CopyRow, Seconds, Stream};
use crate::exit::Exit;
use crate::report::Hint;

/// What was written, shared with the printer.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Fails every write as a closed pipe does.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("you may not create spaces")]
struct Refusal(#[source] io::Error);

impl Report for Refusal {
    fn code(&self) -> &'static str {
        "forbidden"
    }

    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::with(
            "the missing rule is",
            "- verbs: [create]\n  resources: [spaces]",
        ))
    }
}

fn seconds(millis: u64) -> Seconds {
    Duration::from_millis(millis).into()
}

/// A whole `up`, with every kind of event in it.
#[expect(clippy::too_many_lines, reason = "one entry for each event")]
fn a_life() -> Vec<Event> {
    let service = || "package".to_owned();
    let space = || "red".to_owned();
    vec![
        Event::Space {
            space: space(),
            baseline: "shop".into(),
            namespace: "devspace-shop--red".into(),
            created: true,
            chosen_by: "`--space`".into(),
            seconds: seconds(412),
        },
        Event::Pod {
            service: service(),
            pod: Some("package-abc".into()),
            seconds: seconds(1400),
        },
        Event::Syncing {
            service: service(),
            files_done: 10,
            files: 214,
            bytes_done: 2048,
            bytes: 9_000_000,
        },
        Event::Synced {
            service: service(),
            revision: 41,
            files: 214,
            deleted: 0,
            bytes: 9_000_000,
            seconds: seconds(300),
        },
        Event::InSync {
            service: service(),
            revision: 41,
        },
        Event::Building {
            service: service(),
            revision: Some(41),
        },
        Event::BuildOutput {
            service: service(),
            line: "Compiling".into(),
        },
        Event::Built {
            service: service(),
            revision: Some(41),
            seconds: seconds(6200),
        },
        Event::Starting {
            service: service(),
            revision: 41,
        },
        Event::Live {
            service: service(),
            revision: 41,
            seconds: Some(seconds(7000)),
            restart_seconds: seconds(200),
            first: true,
        },
        Event::Routed {
            service: service(),
            seconds: seconds(8100),
        },
        Event::Up {
            service: service(),
            space: space(),
            pod_seconds: Some(seconds(1400)),
            files: Some(214),
            build_seconds: Some(seconds(6200)),
            seconds: seconds(8100),
        },
        Event::Url {
            space: space(),
            url: "http://red.s.shop.test/".into(),
        },
        Event::Tunnel {
            space: space(),
            browser: "http://red.localhost:8123".into(),
            address: "http://127.0.0.1:8456".into(),
        },
        Event::Watching,
        Event::Output {
            service: service(),
            stream: Stream::Stdout,
            line: "listening".into(),
        },
        Event::Live {
            service: service(),
            revision: 42,
            seconds: Some(seconds(310)),
            restart_seconds: seconds(200),
            first: false,
        },
        Event::BuildFailed {
            service: service(),
            revision: Some(43),
            seconds: seconds(900),
            status: "exit code 101".into(),
            last_lines: vec!["error[E0308]".into(), "  --> src/main.rs:1".into()],
        },
        Event::Exited {
            service: service(),
            status: "signal 9".into(),
            last_lines: vec!["boom".into()],
            crash_loop: true,
        },
        Event::Disconnected {
            service: service(),
            reason: "the pod is gone".into(),
        },
        Event::Reconnected {
            service: service(),
            seconds: seconds(2300),
        },
        Event::TakenOver {
            service: service(),
            by: "alice@desk".into(),
        },
        Event::Warning {
            service: None,
            message: "no local address".into(),
        },
        Event::Detached {
            services: vec![service()],
        },
        Event::Removed {
            kind: "ServiceCopy",
            name: service(),
            namespace: Some("devspace-shop--red".into()),
        },
        Event::RequestsGoTo {
            target: "the baseline shop".into(),
        },
    ]
}

fn printed(mode: Mode) -> String {
    let (out, err) = (Written::default(), Written::default());
    let mut printer = Printer::to_writers(mode, Box::new(out.clone()), Box::new(err.clone()));
    for event in a_life() {
        printer.event(&event).unwrap();
    }
    let row = CopyRow {
        in_sync: None,
        space: "red".into(),
        service: "package".into(),
        phase: "ready".into(),
        routed: true,
        pod: None,
        revision: Some(41),
        drift: false,
        message: String::new(),
        changes: Vec::new(),
    };
    let rows = vec![Row {
        cells: vec!["package".into(), "ready".into(), String::new()],
        event: Event::Copy(row),
    }];
    printer
        .table(&Table {
            columns: vec!["SERVICE", "PHASE", "MESSAGE"],
            rows,
        })
        .unwrap();
    printer.failure(&Refusal(io::Error::other("the server says no")));
    format!("--- stdout\n{}--- stderr\n{}", out.text(), err.text())
}

#[test]
fn people_see_lines() {
    insta::assert_snapshot!("plain", printed(Mode::Plain));
    assert_eq!(
        printed(Mode::Human),
        printed(Mode::Plain),
        "without a terminal there is no other difference"
    );
}

#[test]
fn programs_see_versioned_events() {
    insta::assert_snapshot!("json", printed(Mode::Json));
}

#[test]
fn a_closed_pipe_is_told_apart_from_a_failure() {
    let mut printer = Printer::to_writers(Mode::Json, Box::new(Closed), Box::new(Closed));
    assert!(matches!(printer.event(&Event::Watching), Err(PrintError::Closed)));
    // Talk that nobody hears stops nothing.
    let mut printer = Printer::to_writers(Mode::Plain, Box::new(Closed), Box::new(Closed));
    assert!(printer.event(&Event::Watching).is_ok());
}
