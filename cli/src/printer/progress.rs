//! The line at the bottom of a terminal that says what is being waited for.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line of progress, or none.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// No progress is shown.
    pub(super) const fn none() -> Self {
        Self { bar: None }
    }

    /// A spinner with a text. It shows itself with the first text.
    pub(super) fn spinner() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar: Some(bar) }
    }

    /// Replaces the text.
    pub(super) fn show(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            bar.enable_steady_tick(Duration::from_millis(120));
        }
    }

    /// Takes the line away while `print` writes.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away until the next text.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.disable_steady_tick();
            bar.set_message("");
            bar.finish_and_clear();
            bar.reset();
        }
    }
}
