//! Comparing Kubernetes quantities ("Resource units in Kubernetes": decimal and binary suffixes, exponents).

use std::cmp::Ordering;

/// Suffixes with the power of ten that they stand for.
const DECIMAL: [(&str, i32); 9] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// Suffixes with the power of 1024 that they stand for.
const BINARY: [(&str, i32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];

/// The value of `text`, or `None` where it is no quantity. Exact enough to compare what people write.
pub(super) fn value(text: &str) -> Option<f64> {
    let split = |suffix: &str| text.strip_suffix(suffix);
    let binary = BINARY
        .iter()
        .find_map(|(suffix, power)| Some((split(suffix)?, 1024_f64.powi(*power))));
    let decimal = || {
        DECIMAL
            .iter()
            .find_map(|(suffix, power)| Some((split(suffix)?, 10_f64.powi(*power))))
    };
    let (number, factor) = binary.or_else(decimal).unwrap_or((text, 1.0));
    // f64's parser also takes words such as `inf`.
    if !number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+')) {
        return None;
    }
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// The smaller of two quantities. What is no quantity counts as larger.
pub(super) fn smaller<'a>(a: &'a str, b: &'a str) -> &'a str {
    let order = value(a).zip(value(b)).map(|(a, b)| a.total_cmp(&b));
    match order {
        Some(Ordering::Greater) => b,
        Some(_) => a,
        None if value(a).is_some() => a,
        None => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_count() {
        assert_eq!(value("500m"), Some(0.5));
        assert_eq!(value("2"), Some(2.0));
        assert_eq!(value("1Ki"), Some(1024.0));
        assert_eq!(value("1k"), Some(1000.0));
        assert_eq!(value("1e3"), Some(1000.0));
        for none in ["", "inf", "nan", "4 Gi", "-1", "Gi"] {
            assert_eq!(value(none), None, "{none}");
        }
    }

    #[test]
    fn the_smaller_is_found_across_suffixes() {
        assert_eq!(smaller("1Gi", "900Mi"), "900Mi");
        assert_eq!(smaller("1", "1500m"), "1");
        assert_eq!(smaller("x", "1"), "1");
    }
}
