//! The one printer. Standard output is data, standard error is talk; `--output json` makes every event one line of data.
//!
//! Nothing else in this program prints, but for the raw bytes of `exec`, which belong to the child.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;

use crate::event::{Event, VERSION};
use crate::report::{Report, causes};

mod human;
mod progress;
mod table;

pub(crate) use table::{Row, Table};

use progress::Progress;

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For people at a terminal: colours, and a line of progress that is replaced.
    Human,
    /// For people without a terminal: the same lines, plain.
    Plain,
    /// For programs: one versioned event a line.
    Json,
}

/// Why nothing more can be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrintError {
    /// The reader of standard output went away. That is no failure.
    #[error("standard output was closed by its reader")]
    Closed,
    /// It cannot be written to.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
}

/// Where a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// Standard output.
    Data,
    /// Standard error.
    Talk,
    /// The line of progress; nowhere without a terminal.
    Progress,
}

/// Prints events, tables and failures in one [`Mode`].
pub(crate) struct Printer {
    mode: Mode,
    quiet: bool,
    out: AutoStream<Box<dyn Write + Send>>,
    err: AutoStream<Box<dyn Write + Send>>,
    progress: Progress,
}

impl Printer {
    /// A printer to the process's own streams.
    /// Without `json` the mode is [`Mode::Human`] where standard error is a terminal.
    /// Colours follow the terminal, `NO_COLOR` and `CLICOLOR_FORCE`, as anstream reads them.
    pub(crate) fn to_terminal(json: bool, quiet: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        let mode = match (json, terminal) {
            (true, _) => Mode::Json,
            (false, true) => Mode::Human,
            (false, false) => Mode::Plain,
        };
        let out_choice = AutoStream::choice(&io::stdout());
        let err_choice = AutoStream::choice(&io::stderr());
        Self {
            mode,
            quiet,
            out: AutoStream::new(Box::new(io::stdout()), out_choice),
            err: AutoStream::new(Box::new(io::stderr()), err_choice),
            progress: if mode == Mode::Human && !quiet {
                Progress::spinner()
            } else {
                Progress::none()
            },
        }
    }

    /// A printer to the given writers, without progress and colours.
    #[cfg(test)]
    pub(crate) fn to_writers(mode: Mode, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Self {
            mode,
            quiet: false,
            out: AutoStream::never(out),
            err: AutoStream::never(err),
            progress: Progress::none(),
        }
    }

    /// Prints one event.
    ///
    /// # Errors
    /// [`PrintError`], when standard output takes no more.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), PrintError> {
        if self.mode == Mode::Json {
            return self.json(event);
        }
        let Some((to, text)) = human::line(event) else {
            return Ok(());
        };
        match to {
            To::Data => self.data(&text),
            To::Talk if self.quiet => Ok(()),
            To::Talk => self.talk(&text),
            To::Progress => {
                self.progress.show(text);
                Ok(())
            }
        }
    }

    /// Prints a table: aligned columns for people, the event of each row for programs.
    ///
    /// # Errors
    /// As [`Printer::event`].
    pub(crate) fn table(&mut self, table: &Table) -> Result<(), PrintError> {
        if self.mode == Mode::Json {
            return table.rows.iter().try_for_each(|row| self.json(&row.event));
        }
        let text = table.render();
        self.data(&text)
    }

    /// Prints text as it is to standard output, with a newline. For output whose form is not ours: scripts, documents.
    ///
    /// # Errors
    /// As [`Printer::event`].
    pub(crate) fn text(&mut self, text: &str) -> Result<(), PrintError> {
        self.data(text.trim_end_matches('\n'))
    }

    /// Prints a failure. Standard error may be closed, too: then there is nobody to tell.
    pub(crate) fn failure(&mut self, error: &dyn Report) {
        let hint = error.hint();
        let event = Event::Error {
            code: error.code(),
            message: error.to_string(),
            causes: causes(error),
            hint: hint.as_ref().map(|hint| hint.text.clone()),
            block: hint.and_then(|hint| hint.block),
            exit: error.exit().code(),
        };
        self.progress.clear();
        let shown = if self.mode == Mode::Json {
            self.json(&event)
        } else {
            human::line(&event).map_or(Ok(()), |(_, text)| self.talk(&text))
        };
        drop(shown);
    }

    /// Takes the line of progress away, so that somebody else may use the terminal.
    pub(crate) fn leave_terminal(&mut self) {
        self.progress.clear();
    }

    fn json(&mut self, event: &Event) -> Result<(), PrintError> {
        #[derive(serde::Serialize)]
        struct Envelope<'a> {
            v: u8,
            #[serde(flatten)]
            event: &'a Event,
        }
        let line = serde_json::to_string(&Envelope { v: VERSION, event })
            .map_err(|error| PrintError::Write(io::Error::other(error)))?;
        self.data(&line)
    }

    fn data(&mut self, text: &str) -> Result<(), PrintError> {
        let out = &mut self.out;
        self.progress
            .suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => PrintError::Closed,
                _ => PrintError::Write(error),
            })
    }

    fn talk(&mut self, text: &str) -> Result<(), PrintError> {
        let err = &mut self.err;
        match self
            .progress
            .suspend(|| writeln!(err, "{text}").and_then(|()| err.flush()))
        {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(PrintError::Write(error)),
            // Nobody listens to the talk; the work goes on.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
