use super::*;
use crate::report::causes;

fn source() -> Source {
    Box::new(std::io::Error::other("what lies under it"))
}

fn attempt(resource: &str, name: Option<&str>) -> Box<Attempt> {
    Box::new(Attempt {
        verbs: &["create", "patch"],
        group: if resource.contains("pods") {
            String::new()
        } else {
            "devspace.dev".to_owned()
        },
        resource: resource.to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.map(str::to_owned),
    })
}

/// One error of each variant. A new variant must be added here: the match below has no wildcard.
#[expect(clippy::too_many_lines, reason = "one entry for each variant")]
fn all() -> Vec<EngineError> {
    let text = |text: &str| text.to_owned();
    vec![
        EngineError::NoConfig {
            looked: text("/home/ada/.kube/config does not exist"),
            local_runs: false,
        },
        EngineError::NoConfig {
            looked: text("/home/ada/.kube/config does not exist"),
            local_runs: true,
        },
        EngineError::Config(source()),
        EngineError::UnknownContext {
            context: text("prod"),
            known: vec![text("dev")],
        },
        EngineError::NoContext { known: Vec::new() },
        EngineError::Credentials {
            context: text("dev"),
            source: source(),
        },
        EngineError::Unauthorized { context: text("dev") },
        EngineError::Forbidden {
            attempt: attempt("spaces", Some("red")),
            message: text("forbidden"),
        },
        EngineError::Forbidden {
            attempt: attempt("pods/exec", None),
            message: text("forbidden"),
        },
        EngineError::Denied {
            attempt: attempt("spaces", Some("red")),
            message: text("a quota"),
        },
        EngineError::Unreachable {
            server: text("https://10.0.0.1:6443"),
            source: source(),
        },
        EngineError::NotInstalled {
            resource: text("spaces.devspace.dev"),
        },
        EngineError::NotFound {
            attempt: attempt("spaces", Some("red")),
        },
        EngineError::Conflict {
            attempt: attempt("spaces", Some("red")),
        },
        EngineError::NoPod {
            service: text("package"),
            space: text("red"),
        },
        EngineError::Request {
            attempt: attempt("spaces", None),
            source: source(),
        },
        EngineError::Stream(source()),
        EngineError::NoCluster {
            verb: "baseline enable",
        },
        EngineError::NotRunning,
        EngineError::OtherProtocol {
            version: text("0.2.0"),
            protocol: 2,
            pid: 12,
        },
        EngineError::NoState(source()),
        EngineError::Daemon {
            socket: "/state/socket".into(),
            source: source(),
        },
        EngineError::LocalRefused {
            message: text("the service has no ports"),
        },
        EngineError::LocalFailed {
            message: text("disk full"),
        },
    ]
}

/// The variant's number, so that the compiler asks for new ones.
const fn number(error: &EngineError) -> usize {
    match error {
        EngineError::NoConfig { .. } => 0,
        EngineError::Config(_) => 1,
        EngineError::UnknownContext { .. } => 2,
        EngineError::NoContext { .. } => 3,
        EngineError::Credentials { .. } => 4,
        EngineError::Unauthorized { .. } => 5,
        EngineError::Forbidden { .. } => 6,
        EngineError::Denied { .. } => 7,
        EngineError::Unreachable { .. } => 8,
        EngineError::NotInstalled { .. } => 9,
        EngineError::NotFound { .. } => 10,
        EngineError::Conflict { .. } => 11,
        EngineError::NoPod { .. } => 12,
        EngineError::Request { .. } => 13,
        EngineError::Stream(_) => 14,
        EngineError::NoCluster { .. } => 15,
        EngineError::NotRunning => 16,
        EngineError::OtherProtocol { .. } => 17,
        EngineError::NoState(_) => 18,
        EngineError::Daemon { .. } => 19,
        EngineError::LocalRefused { .. } => 20,
        EngineError::LocalFailed { .. } => 21,
    }
}

#[test]
fn every_error_says_what_and_what_next() {
    let errors = all();
    let mut numbers: Vec<usize> = errors.iter().map(number).collect();
    numbers.dedup();
    assert_eq!(numbers, (0..22).collect::<Vec<_>>());
    let shown = errors.iter().map(|error| {
        let mut text = format!("[{} {}] {error}", error.exit().code(), error.code());
        for cause in causes(error) {
            text.push_str(&format!("\n  cause: {cause}"));
        }
        if let Some(hint) = error.hint() {
            text.push_str(&format!("\nhint: {}", hint.text));
            for line in hint.block.unwrap_or_default().lines() {
                text.push_str(&format!("\n    {line}"));
            }
        }
        text
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n\n"));
}
