//! Test programs of the workspace: all built by one run of cargo, so that every crate is compiled once with one set of
//! features, and then run one after the other.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::checks::{cargo, shown};
use super::{Done, Run};
use crate::process::{self, command};
use crate::{places, say};

/// The package of the end-to-end tests.
const E2E: &str = "devspace-e2e";

/// What was built.
pub(super) struct Built {
    /// Test programs that need no cluster.
    tests: Vec<TestProgram>,
    /// The end-to-end tests by the name of their target.
    pub(super) end_to_end: Vec<TestProgram>,
    /// The program `devspace`.
    pub(super) devspace: PathBuf,
}

/// One test program.
pub(super) struct TestProgram {
    /// The name of its target.
    pub(super) name: String,
    executable: PathBuf,
    /// The folder of its package, in which it runs.
    folder: PathBuf,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    profile: Profile,
}

#[derive(Deserialize, Default)]
struct Target {
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Profile {
    #[serde(default)]
    test: bool,
}

/// Builds everything, tests and programs.
pub(super) fn build(run: &mut Run) -> Result<Done> {
    let arguments = [
        "build",
        "--workspace",
        "--all-targets",
        "--message-format",
        "json-render-diagnostics",
    ];
    let mut build = cargo(&places::repository(), &arguments);
    build.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = build.spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no standard output")?;
    let mut messages = Vec::new();
    for line in BufReader::new(stdout).lines() {
        if let Ok(message) = serde_json::from_str::<Message>(&line.context("cannot read from cargo")?) {
            messages.push(message);
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    anyhow::ensure!(status.success(), "the build ended with {status}");
    run.built = Some(sorted(messages)?);
    Ok(Done::Passed)
}

fn sorted(messages: Vec<Message>) -> Result<Built> {
    let (mut tests, mut end_to_end, mut devspace) = (Vec::new(), Vec::new(), None);
    for message in messages
        .into_iter()
        .filter(|message| message.reason == "compiler-artifact")
    {
        let Some(executable) = message.executable else {
            continue;
        };
        let folder = message
            .manifest_path
            .parent()
            .unwrap_or(Path::new("."))
            .to_owned();
        let is_integration = message.target.kind.iter().any(|kind| kind == "test");
        let program = TestProgram {
            name: message.target.name,
            executable,
            folder,
        };
        match (
            message.profile.test,
            is_integration && program.folder.ends_with("tests/e2e"),
        ) {
            (true, true) => end_to_end.push(program),
            (true, false) => tests.push(program),
            (false, _) if program.name == "devspace" => devspace = Some(program.executable),
            (false, _) => {}
        }
    }
    let devspace = devspace.context("the build made no program `devspace`")?;
    Ok(Built {
        tests,
        end_to_end,
        devspace,
    })
}

/// Runs every test program that needs no cluster.
pub(super) fn run_tests(run: &mut Run) -> Result<Done> {
    let built = run.built.take().context("the build failed")?;
    let mut failed = Vec::new();
    for program in &built.tests {
        say::progress(format!("running {} ({})", program.name, program.folder.display()));
        if let Err(error) = program.run(run, &[], &[]) {
            say::error(&error);
            failed.push(program.name.as_str());
        }
    }
    let verdict = match failed.as_slice() {
        [] => Ok(Done::Passed),
        names => Err(anyhow::anyhow!("tests failed in {}", names.join(", "))),
    };
    run.built = Some(built);
    verdict
}

/// The tests that build a project of each framework with its package manager, for minutes.
const FRAMEWORKS: &str = "init_up";
/// What they need, with a question that each answers.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("go", "version"),
    ("mvn", "--version"),
    ("npm", "--version"),
    ("python3", "--version"),
];

/// Runs `devspace init` and `devspace up` on a project of each framework. In CI every package manager must be there.
pub(super) fn frameworks(run: &mut Run) -> Result<Done> {
    let is_missing = |(name, question): &&(&str, &str)| !process::succeeds(&mut command(name, [question]));
    let missing: Vec<&str> = PACKAGE_MANAGERS
        .iter()
        .filter(is_missing)
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() && std::env::var_os("CI").is_none() {
        return Ok(Done::Skipped(format!(
            "not on this machine: {}",
            missing.join(", ")
        )));
    }
    let built = run.built.take().context("the build failed")?;
    let ended = match built.tests.iter().find(|program| program.name == FRAMEWORKS) {
        Some(program) => program.run(run, &["--ignored", "--test-threads=1"], &[]),
        None => bail!("there is no test program {FRAMEWORKS}"),
    };
    run.built = Some(built);
    ended.map(|()| Done::Passed)
}

impl TestProgram {
    /// Runs it with its output shown and counted.
    ///
    /// # Errors
    /// A test failed.
    pub(super) fn run(&self, run: &mut Run, arguments: &[&str], environment: &[(&str, &Path)]) -> Result<()> {
        let mut program = command(&self.executable, arguments);
        program
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder);
        program.envs(environment.iter().copied());
        let tally = &mut run.tally;
        counted(&mut program, |line| tally.line(line))
    }
}

/// Runs a command with its output shown, each line of it counted.
fn counted(command: &mut Command, mut count: impl FnMut(&str)) -> Result<()> {
    let shown = process::shown(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let stdout = child.stdout.take().context("no standard output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.with_context(|| format!("cannot read from `{shown}`"))?;
        let line = String::from_utf8_lossy(&line);
        count(&line);
        say::line(&line);
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs the examples in documentation.
pub(super) fn doc_tests(run: &mut Run) -> Result<Done> {
    let mut test = cargo(
        &places::repository(),
        &["test", "--workspace", "--exclude", E2E, "--doc", "--quiet"],
    );
    let tally = &mut run.tally;
    counted(&mut test, |line| tally.line(line))?;
    Ok(Done::Passed)
}

/// Runs the tests of the sample's services, in each language.
pub(super) fn sample_tests(run: &mut Run) -> Result<Done> {
    let sample = places::repository().join("samples/delivery");
    let mut test = cargo(&sample, &["test", "--workspace"]);
    let tally = &mut run.tally;
    counted(&mut test, |line| tally.line(line))?;
    let package = sample.join("services/package");
    shown(command("npm", ["ci", "--no-audit", "--no-fund"]).current_dir(&package))?;
    let mut npm = command("npm", ["test"]);
    counted(npm.current_dir(&package), |line| tally.node_line(line))?;
    Ok(Done::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn end_to_end_tests_are_kept_apart() {
        let built = sorted(vec![
            message(r#"{"reason":"compiler-artifact","executable":"/t/it-1","manifest_path":"/r/tests/e2e/Cargo.toml","target":{"name":"it","kind":["test"]},"profile":{"test":true}}"#),
            message(r#"{"reason":"compiler-artifact","executable":"/t/e2e-1","manifest_path":"/r/tests/e2e/Cargo.toml","target":{"name":"devspace_e2e","kind":["lib"]},"profile":{"test":true}}"#),
            message(r#"{"reason":"compiler-artifact","executable":"/t/devspace","manifest_path":"/r/cli/Cargo.toml","target":{"name":"devspace","kind":["bin"]},"profile":{"test":false}}"#),
            message(r#"{"reason":"compiler-artifact","executable":null,"manifest_path":"/r/cli/Cargo.toml","target":{"name":"x","kind":["lib"]},"profile":{"test":false}}"#),
            message(r#"{"reason":"build-finished","success":true}"#),
        ])
        .unwrap();
        assert_eq!(built.devspace, Path::new("/t/devspace"));
        assert_eq!(
            built
                .end_to_end
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>(),
            ["it"]
        );
        assert_eq!(
            built
                .tests
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>(),
            ["devspace_e2e"]
        );
    }
}
