//! What a failure tells its reader: message, causes, hint and exit code. Hints are data; one renderer prints them.

use std::error::Error;

use crate::exit::Exit;

/// What to do about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// One sentence.
    pub(crate) text: String,
    /// Text to copy: a command or YAML. It is printed indented, below the sentence.
    pub(crate) block: Option<String>,
}

impl Hint {
    /// A hint of one sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            block: None,
        }
    }

    /// A sentence with something to copy.
    pub(crate) fn with(text: impl Into<String>, block: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            block: Some(block.into()),
        }
    }
}

/// A failure that can be shown.
pub(crate) trait Report: Error + Send + Sync {
    /// A stable word for programs, in snake case.
    fn code(&self) -> &'static str;

    /// The exit code that it ends the run with.
    fn exit(&self) -> Exit;

    /// What to do about it.
    fn hint(&self) -> Option<Hint> {
        None
    }
}

/// Any failure of a command.
pub(crate) type AnyReport = Box<dyn Report>;

impl<E: Report + 'static> From<E> for AnyReport {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// The causes below `error`, outermost first.
/// A cause whose text the line above already shows is left out: some libraries print their source in their own message.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let mut above = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !above.contains(&text) {
            causes.push(text.clone());
            above = text;
        }
        next = cause.source();
    }
    causes
}

/// The error with its causes, in one line.
pub(crate) fn one_line(error: &dyn Error) -> String {
    std::iter::once(error.to_string())
        .chain(causes(error))
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);
    #[derive(Debug, thiserror::Error)]
    #[error("middle: {0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn a_cause_is_shown_once() {
        let error = Outer(Middle(std::io::Error::other("disk full")));
        assert_eq!(causes(&error), ["middle: disk full"]);
    }
}
