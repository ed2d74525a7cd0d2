//! Log lines: JSON on standard error, the level from `RUST_LOG`.

use std::error::Error;

use tracing_subscriber::EnvFilter;

/// Starts the log. A second call does nothing.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr);
    // A log that is there already stays; there is nothing to report it to.
    drop(builder.with_env_filter(filter).try_init());
}

/// An error and its causes in one line, outermost first.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
