//! What an echo service does with the file that holds its version.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

/// What the file asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Start {
    /// Serve with this version.
    Serve(String),
    /// Exit with this code.
    Exit(u8),
}

/// Reads the file, and says its last words where it asks for an exit.
///
/// # Errors
/// The file cannot be read.
pub fn read(file: &Path) -> anyhow::Result<Start> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let start = parse(&text);
    if let Start::Exit(code) = start {
        let _ = writeln!(std::io::stderr(), "{}\nexiting with {code}", text.trim());
    }
    Ok(start)
}

fn parse(text: &str) -> Start {
    let code = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("exit ")?.parse().ok());
    code.map_or_else(|| Start::Serve(text.trim().to_owned()), Start::Exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_asks_for_an_exit() {
        assert_eq!(parse("v1\n"), Start::Serve("v1".into()));
        assert_eq!(parse("some words\nexit 7\n"), Start::Exit(7));
    }
}
