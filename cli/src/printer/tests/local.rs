//! What is said about engines and about the local one.

use super::*;
use crate::event::{LocalServiceRow, SettingRow};

fn service(phase: &str, message: &str) -> Event {
    Event::LocalService(LocalServiceRow {
        workspace: "shop".into(),
        service: "package".into(),
        phase: phase.into(),
        url: "http://127.0.0.1:22560".into(),
        crashes: 2,
        message: message.into(),
    })
}

#[expect(clippy::too_many_lines, reason = "one entry for each event")]
fn events() -> Vec<Event> {
    vec![
        Event::Used {
            engine: "kube".into(),
            context: Some("dev".into()),
            file: "/home/ada/.config/devspace/selection.json".into(),
        },
        Event::Engine {
            engine: "kube",
            context: "dev".into(),
            server: "https://10.0.0.1:6443".into(),
            baseline: "shop".into(),
            space: "red".into(),
            chosen_by: "`--space`".into(),
            engine_by: "default".into(),
            baseline_by: "the only one".into(),
        },
        Event::Engine {
            engine: "local",
            context: "local".into(),
            server: "/state/socket".into(),
            baseline: "shop".into(),
            space: "ada".into(),
            chosen_by: "the user name `ada`".into(),
            engine_by: "$DEVSPACE_ENGINE".into(),
            baseline_by: "the only one".into(),
        },
        Event::LocalEngine {
            version: "0.1.0".into(),
            pid: 12,
            state: "/state".into(),
            log: "/state/daemon.log".into(),
            started: true,
        },
        service("building", ""),
        service("ready", ""),
        service("missing", "`npm` is not on this machine"),
        service("failed", "the build failed (exit code 1)\nerror: no\nin line 2"),
        Event::Workspace {
            workspace: "shop".into(),
            file: "/app/devspace.yaml".into(),
            url: "http://localhost:7081".into(),
            port_note: Some("port 7080 is taken by nginx (pid 12)".into()),
        },
        Event::Next {
            commands: vec!["devspace use local".into(), "devspace up".into()],
        },
        Event::Forwarding {
            service: "package".into(),
            address: "127.0.0.1:9000".into(),
            port: 8080,
        },
        Event::Setting(SettingRow {
            key: "space".into(),
            value: None,
            origin: "the local engine does not run".into(),
            ways: vec!["--space".into(), "$DEVSPACE_SPACE".into()],
        }),
        Event::Version {
            devspace: "0.1.0",
            objects: "devspace.dev/v1alpha1".into(),
            local: Some("0.1.0".into()),
        },
        Event::LocalStopped { pid: Some(12) },
        Event::LocalStopped { pid: None },
    ]
}

#[test]
fn people_see_lines_and_programs_events() {
    let printed = [Mode::Plain, Mode::Json].map(|mode| {
        let (out, err) = (Written::default(), Written::default());
        let mut printer = Printer::to_writers(mode, Box::new(out.clone()), Box::new(err.clone()));
        for event in events() {
            printer.event(&event).unwrap();
        }
        format!("--- stdout\n{}--- stderr\n{}", out.text(), err.text())
    });
    insta::assert_snapshot!(printed.join("\n=== json\n"));
}
