//! Counting of what load sees. Pure.

use crate::clock;
use crate::wire::{Example, MAX_TIMES, Mark, Response, Rule, ServedBy, Target, TargetReport};

/// Examples kept of each kind of failure.
const EXAMPLES: usize = 5;

/// What became of one request.
pub(crate) enum Outcome {
    /// A response.
    Answered(Response),
    /// None, with a word for its kind and the detail.
    Lost(&'static str, String),
}

/// One request that ended.
pub(crate) struct Ended {
    pub(crate) fresh: bool,
    pub(crate) sent_us: u64,
    pub(crate) done_us: u64,
    pub(crate) outcome: Outcome,
}

/// The counts of one target.
pub(crate) struct Tally {
    rule: Rule,
    mark: Option<Mark>,
    report: TargetReport,
}

impl Tally {
    pub(crate) fn new(target: &Target, began_us: u64) -> Self {
        let report = TargetReport {
            name: target.name.clone(),
            began_us,
            asked_rate: target.rate + target.fresh,
            ..TargetReport::default()
        };
        Self {
            rule: target.rule.clone(),
            mark: target.mark.clone(),
            report,
        }
    }

    pub(crate) fn reopened(&mut self) {
        self.report.reopened += 1;
    }

    pub(crate) fn count(&mut self, ended: &Ended) {
        let took_us = ended.done_us.saturating_sub(ended.sent_us);
        self.report.done += 1;
        self.report.fresh += u64::from(ended.fresh);
        self.report.slowest_us = self.report.slowest_us.max(took_us);
        self.report.total_us += took_us;
        let wrong = match &ended.outcome {
            Outcome::Answered(response) => {
                self.record(ended, response);
                broken(&self.rule, response)
            }
            Outcome::Lost(kind, detail) => Some(((*kind).to_owned(), detail.clone())),
        };
        let Some((kind, detail)) = wrong else {
            self.report.ok += 1;
            return;
        };
        if self.report.failed_us.len() < MAX_TIMES {
            self.report.failed_us.push(ended.sent_us);
        }
        let failures = self.report.failures.entry(kind).or_default();
        failures.count += 1;
        if failures.first.len() < EXAMPLES {
            failures.first.push(Example {
                sent_us: ended.sent_us,
                took_us,
                detail,
            });
        }
    }

    fn record(&mut self, ended: &Ended, response: &Response) {
        let Some(mark) = &self.mark else { return };
        let value = mark.find(&response.body);
        let index = self
            .report
            .values
            .iter()
            .position(|known| known == value)
            .unwrap_or_else(|| {
                self.report.values.push(value.to_owned());
                self.report.values.len() - 1
            });
        self.report.seen.push((
            ended.sent_us,
            ended.done_us,
            u32::try_from(index).unwrap_or(u32::MAX),
        ));
    }

    pub(crate) fn report(&self) -> TargetReport {
        TargetReport {
            until_us: clock::now_us(),
            ..self.report.clone()
        }
    }
}

/// Kind and detail of the first part of the rule that the response breaks.
fn broken(rule: &Rule, response: &Response) -> Option<(String, String)> {
    let shown = || response.body.chars().take(300).collect::<String>();
    if response.status != rule.status {
        return Some((format!("status {}", response.status), shown()));
    }
    if let Some(text) = rule
        .contains
        .iter()
        .find(|text| !response.body.contains(text.as_str()))
    {
        return Some(("lacks".into(), format!("`{text}` is not in: {}", shown())));
    }
    let holds = |text: &&String| {
        response.body.contains(text.as_str())
            || response
                .headers
                .values()
                .any(|value| value.contains(text.as_str()))
    };
    if let Some(text) = rule.lacks.iter().find(holds) {
        return Some(("leak".into(), format!("`{text}` is in: {}", shown())));
    }
    let served_by = response.headers.get("devspace-served-by");
    match (&rule.served_by, served_by) {
        (ServedBy::Absent, Some(found)) => Some(("served-by".into(), format!("not wanted, found `{found}`"))),
        (ServedBy::Holds(wanted), found) if !found.is_some_and(|value| value.contains(wanted.as_str())) => {
            Some((
                "served-by".into(),
                format!("wanted `{wanted}`, found {found:?}: {}", shown()),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Request;

    fn tally(rule: Rule) -> Tally {
        let mark = Some(Mark {
            after: "v=".into(),
            until: ";".into(),
        });
        let target = Target {
            name: "t".into(),
            request: Request::default(),
            rule,
            kept: 1,
            rate: 9.0,
            fresh: 1.0,
            mark,
        };
        Tally::new(&target, 0)
    }

    fn answered(body: &str) -> Ended {
        let response = Response {
            status: 200,
            body: body.into(),
            ..Response::default()
        };
        Ended {
            fresh: false,
            sent_us: 5,
            done_us: 9,
            outcome: Outcome::Answered(response),
        }
    }

    #[test]
    fn each_break_of_the_rule_is_counted_by_its_kind() {
        let mut tally = tally(Rule {
            lacks: vec!["secret".into()],
            ..Rule::default()
        });
        tally.count(&answered("v=1;"));
        tally.count(&answered("v=2; secret"));
        tally.count(&Ended {
            fresh: true,
            sent_us: 6,
            done_us: 7,
            outcome: Outcome::Lost("connect", "no".into()),
        });
        let report = tally.report();
        assert_eq!((report.done, report.ok, report.fresh), (3, 1, 1));
        assert_eq!(report.failures["leak"].count, 1);
        assert_eq!(report.failures["connect"].first[0].sent_us, 6);
        assert_eq!(report.values, ["1", "2"]);
        assert_eq!(report.seen, [(5, 9, 0), (5, 9, 1)]);
    }

    #[test]
    fn the_server_must_be_the_one_that_is_wanted() {
        let rule = Rule {
            served_by: ServedBy::Holds("red".into()),
            ..Rule::default()
        };
        let mut response = Response {
            status: 200,
            ..Response::default()
        };
        assert_eq!(broken(&rule, &response).unwrap().0, "served-by");
        response
            .headers
            .insert("devspace-served-by".into(), "red/package".into());
        assert_eq!(broken(&rule, &response), None);
        let keyless = Rule {
            served_by: ServedBy::Absent,
            ..Rule::default()
        };
        assert_eq!(broken(&keyless, &response).unwrap().0, "served-by");
    }
}
