//! Owner, year and month, as the summaries and the invoice take them.

use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use delivery_common::problem::Problem;

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// The year, 1 to 9998.
    pub year: i16,
    /// The month, 1 to 12.
    pub month: i8,
}

impl Month {
    /// A month by its numbers.
    #[must_use]
    pub fn new(year: i16, month: i8) -> Option<Self> {
        ((1..=9998).contains(&year) && Date::new(year, month, 1).is_ok()).then_some(Self { year, month })
    }

    /// Its first instant and the first instant of the next month.
    #[must_use]
    pub fn bounds(self) -> Option<(Timestamp, Timestamp)> {
        let first = Date::new(self.year, self.month, 1).ok()?;
        let next = first.checked_add(Span::new().months(1)).ok()?;
        let instant = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
        Some((instant(first)?, instant(next)?))
    }
}

/// Reads one parameter of a query. Names may be in any case.
#[must_use]
pub fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// Reads a parameter that must be there.
///
/// # Errors
/// Status 400, naming the parameter.
pub fn required<'a>(query: &'a [(String, String)], name: &str) -> Result<&'a str, Problem> {
    parameter(query, name)
        .ok_or_else(|| Problem::with_detail(StatusCode::BAD_REQUEST, format!("{name} is missing")))
}

/// Reads `year` and `month`.
///
/// # Errors
/// Status 400: one without the other, or no month of the calendar.
pub fn month(query: &[(String, String)]) -> Result<Option<Month>, Problem> {
    let (year, month) = match (parameter(query, "year"), parameter(query, "month")) {
        (None, None) => return Ok(None),
        (Some(year), Some(month)) => (year, month),
        (None, _) => return Err(Problem::with_detail(StatusCode::BAD_REQUEST, "year is missing")),
        (_, None) => return Err(Problem::with_detail(StatusCode::BAD_REQUEST, "month is missing")),
    };
    let read = || Month::new(year.parse().ok()?, month.parse().ok()?);
    read().map(Some).ok_or_else(|| {
        Problem::with_detail(
            StatusCode::BAD_REQUEST,
            "year and month name no month of the calendar",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_next_begins() {
        let (from, until) = Month::new(2019, 12).unwrap().bounds().unwrap();
        assert_eq!(from.to_string(), "2019-12-01T00:00:00Z");
        assert_eq!(until.to_string(), "2020-01-01T00:00:00Z");
        assert_eq!(Month::new(2019, 13), None);
        assert_eq!(Month::new(0, 1), None);
        assert!(Month::new(9998, 12).unwrap().bounds().is_some());
    }

    #[test]
    fn half_a_month_is_refused() {
        let query = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        assert!(month(&query(&[("YEAR", "2019")])).is_err());
        assert_eq!(
            month(&query(&[("YEAR", "2019"), ("Month", "5")])).unwrap(),
            Month::new(2019, 5)
        );
        assert_eq!(month(&query(&[])).unwrap(), None);
    }
}
