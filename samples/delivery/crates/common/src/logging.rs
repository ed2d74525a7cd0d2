//! Log lines: one JSON object a line on standard output.

/// Starts logging for the process. Later calls do nothing.
pub fn start(level: tracing::Level) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .finish();
    // Only the first subscriber of a process can be set; a second start is harmless.
    let _already_set = tracing::subscriber::set_global_default(subscriber);
}

/// An error and its causes on one line, for a log field.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
