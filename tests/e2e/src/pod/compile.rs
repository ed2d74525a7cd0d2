//! A compiler for tests: quick, with no toolchain, and failing on demand.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

/// Copies `from` to `to`, or says what is wrong as compilers do and exits with 1 if the source holds `error`.
///
/// # Errors
/// A file cannot be read or written.
pub fn run(from: &Path, to: &Path) -> anyhow::Result<ExitCode> {
    let source = std::fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
    if let Some((number, line)) = source
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains("error"))
    {
        let _ = writeln!(
            std::io::stderr(),
            "{}:{}: syntax error: {line}",
            from.display(),
            number + 1
        );
        return Ok(ExitCode::FAILURE);
    }
    std::fs::write(to, &source).with_context(|| format!("cannot write {}", to.display()))?;
    let _ = writeln!(std::io::stdout(), "compiled {}", from.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_with_an_error_leaves_the_last_result() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.txt"), folder.path().join("a.out"));
        std::fs::write(&from, "one").unwrap();
        assert_eq!(run(&from, &to).unwrap(), ExitCode::SUCCESS);
        std::fs::write(&from, "two\nan error here").unwrap();
        assert_eq!(run(&from, &to).unwrap(), ExitCode::FAILURE);
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "one");
    }
}
