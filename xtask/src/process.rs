//! Running programs: a failure says the command, its exit status and the end of what it wrote.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Lines of a failed command's output that its error shows.
const SHOWN_LINES: usize = 30;

/// A command with its arguments.
pub(crate) fn command<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs to the end with nothing on standard input. Answers standard output; an exit status other than 0 is an error
/// that carries the end of both outputs.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let done = raw_output(command)?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let text = [done.stdout, done.stderr].concat();
    bail!(
        "`{}` ended with {}\n{}",
        shown(command),
        done.status,
        last_lines(&String::from_utf8_lossy(&text))
    )
}

/// Runs to the end with nothing on standard input and answers all of it, whatever the exit status.
pub(crate) fn raw_output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))
}

/// Like [`output`], as text with the white space around it removed.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    let bytes = output(command)?;
    Ok(String::from_utf8(bytes)
        .with_context(|| format!("`{}` did not write UTF-8", shown(command)))?
        .trim()
        .to_owned())
}

/// Whether the command can be started and ends with exit status 0. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let from = lines.len().saturating_sub(SHOWN_LINES);
    lines
        .iter()
        .skip(from)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted() {
        let made = command("sh", ["-c", "echo 'a b'", ""]);
        assert_eq!(shown(&made), r"sh -c 'echo '\''a b'\''' ''");
    }

    #[test]
    fn a_failure_shows_the_end_of_both_outputs() {
        let script = "for i in $(seq 40); do echo out-$i; done; echo err-1 >&2; exit 3";
        let error = output(&mut command("sh", ["-c", script]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("err-1"), "{error}");
        assert!(error.contains("out-40") && !error.contains("out-5\n"), "{error}");
    }
}
