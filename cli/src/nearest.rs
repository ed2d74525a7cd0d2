//! "Did you mean": the known names nearest to a mistyped one.

/// A name is near when this much of it agrees (Damerau-Levenshtein, 1 is equal).
const NEAR: f64 = 0.6;
/// How many are offered.
const OFFERED: usize = 3;

/// The names of `known` that are near to `given`, nearest first.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (closeness(given, name), name))
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|(a, first), (b, second)| b.total_cmp(a).then_with(|| first.cmp(second)));
    scored
        .into_iter()
        .take(OFFERED)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// A name that holds the other one whole is near, too: `drone` for `dronescheduler`.
fn closeness(given: &str, name: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase());
    let holds = given.len() >= 3 && (name.contains(given) || given.contains(name));
    if holds { edits.max(NEAR) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_nearest_first() {
        let known = ["package", "delivery", "dronescheduler", "packages"];
        assert_eq!(nearest("pakage", known), ["package", "packages"]);
        assert_eq!(nearest("drone", known), ["dronescheduler"]);
        assert!(nearest("workflow", known).is_empty());
    }
}
