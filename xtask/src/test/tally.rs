//! Counting what test programs say, from the line with which Rust's test harness ends.

use std::fmt;

/// Tests of all programs together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Counts a line where it is such an end: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn line(&mut self, line: &str) {
        let Some(counts) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.1.split("; ") {
            let Some((number, word)) = part.split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Counts a line of Node's test runner, as `# pass 12`.
    pub(super) fn node_line(&mut self, line: &str) {
        let words = line.trim_start_matches(['#', 'ℹ', ' ']);
        let Some((word, number)) = words.split_once(' ') else {
            return;
        };
        let Ok(number) = number.trim().parse::<u64>() else {
            return;
        };
        match word {
            "pass" => self.passed += number,
            "fail" => self.failed += number,
            "skipped" | "todo" => self.ignored += number,
            _ => {}
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed; {} failed; {} ignored",
            self.passed, self.failed, self.ignored
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_programs_add_up() {
        let mut tally = Tally::default();
        tally.line(
            "test result: ok. 11 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.02s",
        );
        tally.line(
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 9s",
        );
        tally.line("test a ... ok");
        tally.node_line("# pass 5");
        tally.node_line("ℹ fail 1");
        assert_eq!(
            tally,
            Tally {
                passed: 17,
                failed: 2,
                ignored: 2
            }
        );
        assert_eq!(tally.to_string(), "17 passed; 2 failed; 2 ignored");
    }
}
