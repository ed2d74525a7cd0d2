//! What a person reads: results on standard output, progress and errors on standard error.

use std::io::Write;

/// Writes one line of a result to standard output. A closed pipe is not an error: nobody reads any more.
pub(crate) fn line(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout().lock(), "{}", text.as_ref());
}

/// Writes one line of progress to standard error.
pub(crate) fn progress(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

/// Writes an error with its causes to standard error, one cause a line.
pub(crate) fn error(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because: {cause}");
    }
}
