//! Tables: columns aligned for people.

use crate::event::Event;

/// A table with the event that stands for each row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// Column titles.
    pub(crate) columns: Vec<&'static str>,
    /// Rows, as long as `columns`.
    pub(crate) rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// What people see.
    pub(crate) cells: Vec<String>,
    /// What programs see.
    pub(crate) event: Event,
}

impl Table {
    /// The table as lines, columns two spaces apart, no trailing spaces.
    pub(super) fn render(&self) -> String {
        let titles: Vec<String> = self.columns.iter().map(|title| (*title).to_owned()).collect();
        let lines: Vec<&[String]> = std::iter::once(titles.as_slice())
            .chain(self.rows.iter().map(|row| row.cells.as_slice()))
            .collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|cells| cells.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &&[String]| {
            let padded: Vec<String> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
