//! `cluster status`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::control::{self, Answer, ComponentState, ForwardState, Question};
use super::layout::{Layout, NODE};
use super::namespace::Namespace;
use super::up;
use crate::process;
use crate::say;

/// How a status is printed.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Prints the state of the cluster. The exit code is 1 when none runs.
///
/// # Errors
/// The cluster does not answer.
pub(crate) fn print(layout: &Layout, format: Format) -> Result<ExitCode> {
    let Some(namespace) = Namespace::find(layout) else {
        match format {
            Format::Text => say::line(format!("no cluster runs in {}", layout.root().display())),
            Format::Json => say::line(json!({"running": false, "state": layout.root()}).to_string()),
        }
        return Ok(ExitCode::FAILURE);
    };
    let Answer::Done { components, forwards } = control::ask(layout, &Question::Status, None)? else {
        return Ok(ExitCode::FAILURE);
    };
    let node = node(layout, &namespace);
    match format {
        Format::Text => print_text(layout, &components, &forwards, &node),
        Format::Json => {
            let versions: serde_json::Map<String, Value> = up::versions()
                .map(|tool| (tool.name.to_owned(), json!(tool.version)))
                .collect();
            let all = json!({
                "running": true,
                "state": layout.root(),
                "pid": namespace.first(),
                "kubeconfig": layout.kubeconfig(),
                "insideKubeconfig": layout.inside_kubeconfig(),
                "bin": layout.path("bin"),
                "controlGroup": layout.control_group(),
                "node": node.as_deref().unwrap_or("unknown"),
                "versions": versions,
                "components": components,
                "forwards": forwards,
            });
            say::line(serde_json::to_string_pretty(&all).context("cannot write the status")?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_text(
    layout: &Layout,
    components: &[ComponentState],
    forwards: &[ForwardState],
    node: &Result<String>,
) {
    say::line(format!("state       {}", layout.root().display()));
    say::line(format!("kubeconfig  {}", layout.kubeconfig().display()));
    match node {
        Ok(ready) => say::line(format!("node        {NODE} Ready={ready}")),
        Err(error) => say::line(format!("node        unknown: {error:#}")),
    }
    let versions: Vec<String> = up::versions()
        .map(|tool| format!("{} {}", tool.name, tool.version))
        .collect();
    say::line(format!("versions    {}", versions.join(", ")));
    components
        .iter()
        .for_each(|component| say::line(component_line(component)));
    for forward in forwards {
        say::line(format!(
            "{} -> {} ({})",
            forward.listen, forward.target, forward.what
        ));
    }
}

/// One component on one line.
pub(crate) fn component_line(component: &ComponentState) -> String {
    let state = match component.pid {
        Some(pid) => format!("running, pid {pid}"),
        None => "down".to_owned(),
    };
    let exit = component
        .last_exit
        .as_ref()
        .map(|how| format!(", last end: {how}"))
        .unwrap_or_default();
    format!(
        "{:<24} {state}, started {} times{exit}",
        component.name, component.starts
    )
}

/// The node's Ready condition, as the API server has it.
fn node(layout: &Layout, namespace: &Namespace) -> Result<String> {
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    let program = [
        "kubectl",
        "get",
        "node",
        NODE,
        "--request-timeout=3s",
        "--output",
        path,
    ]
    .map(str::to_owned);
    process::text(&mut namespace.command(layout, &program)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_a_component_ended() {
        let component = ComponentState {
            name: "etcd".into(),
            pid: None,
            starts: 2,
            last_exit: Some("signal 9".into()),
        };
        let line = component_line(&component);
        assert!(
            line.starts_with("etcd ") && line.ends_with("down, started 2 times, last end: signal 9"),
            "{line}"
        );
    }
}
