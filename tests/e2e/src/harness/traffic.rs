//! Load as the tests define it, and what is held against it.

use anyhow::{Result, ensure};

use super::Scope;
use crate::clock::seconds;
use crate::wire::{Mark, Plan, Report, Request, Rule, ServedBy, Target, TargetReport};

/// The full load: 200 requests a second over 16 kept connections and 20 new connections a second.
#[must_use]
pub fn full(name: &str, request: Request, rule: Rule) -> Target {
    Target {
        name: name.into(),
        request,
        rule,
        kept: 16,
        rate: 200.0,
        fresh: 20.0,
        mark: None,
    }
}

/// A lighter stream beside the full load: kept and new connections both.
#[must_use]
pub fn light(name: &str, request: Request, rule: Rule) -> Target {
    Target {
        name: name.into(),
        request,
        rule,
        kept: 4,
        rate: 40.0,
        fresh: 5.0,
        mark: None,
    }
}

/// Records the value at the mark of each response.
#[must_use]
pub fn marked(target: Target, mark: &Mark) -> Target {
    Target {
        mark: Some(mark.clone()),
        ..target
    }
}

/// All of these at once.
#[must_use]
pub fn plan(targets: impl IntoIterator<Item = Target>) -> Plan {
    Plan {
        targets: targets.into_iter().collect(),
    }
}

/// Status 200 from nobody's copy, with none of these texts.
#[must_use]
pub fn keyless(lacks: &[&str]) -> Rule {
    let lacks = lacks.iter().map(|&text| text.to_owned()).collect();
    Rule {
        lacks,
        served_by: ServedBy::Absent,
        ..Rule::default()
    }
}

/// Status 200 with none of these texts, whoever served it.
#[must_use]
pub fn without(lacks: &[&str]) -> Rule {
    Rule {
        served_by: ServedBy::Any,
        ..keyless(lacks)
    }
}

/// Prints one line a target, and the first failures of each kind.
pub fn print(scope: &Scope, report: &Report) {
    for one in &report.targets {
        let mean_ms =
            seconds(one.total_us) * 1e3 / f64::from(u32::try_from(one.done.max(1)).unwrap_or(u32::MAX));
        scope.say(format!(
            "load {}: {} requests ({} on new connections, {} kept ones reopened), {} failed, {:.0}/s of {:.0}/s asked, mean {mean_ms:.1} ms, slowest {:.0} ms, in {:.1} s",
            one.name, one.done, one.fresh, one.reopened, one.failed(), one.achieved_rate(), one.asked_rate,
            seconds(one.slowest_us) * 1e3, seconds(one.until_us - one.began_us),
        ));
        for (kind, failures) in &one.failures {
            scope.say(format!("  {} × {kind}", failures.count));
            for example in &failures.first {
                let at = seconds(example.sent_us.saturating_sub(one.began_us));
                scope.say(format!(
                    "    at {at:.3} s, took {:.3} s: {}",
                    seconds(example.took_us),
                    example.detail
                ));
            }
        }
    }
}

/// No request failed, and at least 90 % of the asked load was reached.
///
/// # Errors
/// Names the first target that breaks the rule.
pub fn hold_to_rule(report: &Report) -> Result<()> {
    for one in &report.targets {
        ensure!(one.done > 0, "load {} made no request", one.name);
        ensure!(
            one.failed() == 0,
            "load {}: {} of {} requests failed",
            one.name,
            one.failed(),
            one.done
        );
        reached(one)?;
    }
    Ok(())
}

/// At least 90 % of the asked load was reached.
///
/// # Errors
/// It was not.
pub fn reached(one: &TargetReport) -> Result<()> {
    let enough = one.achieved_rate() >= 0.9 * one.asked_rate;
    ensure!(
        enough,
        "load {} reached {:.1}/s of {:.1}/s asked",
        one.name,
        one.achieved_rate(),
        one.asked_rate
    );
    Ok(())
}

/// What a target saw around a change to a new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When the first response with the new value ended.
    pub first_new_us: u64,
    /// When the last request that brought another value was sent.
    pub last_old_sent_us: u64,
    /// Requests that brought the new value.
    pub new: usize,
}

/// The target that has this name.
///
/// # Errors
/// There is none.
pub fn target<'a>(report: &'a Report, name: &str) -> Result<&'a TargetReport> {
    let found = report.targets.iter().find(|one| one.name == name);
    found.ok_or_else(|| anyhow::anyhow!("no target {name}"))
}

/// When a target changed to `value`. A request sent after the change that brings anything else shows in `last_old_sent_us`.
///
/// # Errors
/// The value was never seen.
pub fn change(report: &TargetReport, value: &str) -> Result<Change> {
    let index = report.values.iter().position(|known| known == value);
    let index = index
        .ok_or_else(|| anyhow::anyhow!("{} never saw `{value}`, only {:?}", report.name, report.values))?;
    let is_new = |seen: &&(u64, u64, u32)| usize::try_from(seen.2).is_ok_and(|found| found == index);
    let first_new_us = report
        .seen
        .iter()
        .filter(is_new)
        .map(|seen| seen.1)
        .min()
        .unwrap_or_default();
    let last_old_sent_us = report
        .seen
        .iter()
        .filter(|seen| !is_new(seen))
        .map(|seen| seen.0)
        .max()
        .unwrap_or_default();
    Ok(Change {
        first_new_us,
        last_old_sent_us,
        new: report.seen.iter().filter(is_new).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_old_response_shows() {
        let report = TargetReport {
            values: vec!["old".into(), "new".into()],
            seen: vec![(1, 2, 0), (3, 5, 1), (4, 6, 0), (7, 8, 1)],
            ..TargetReport::default()
        };
        assert_eq!(
            change(&report, "new").unwrap(),
            Change {
                first_new_us: 5,
                last_old_sent_us: 4,
                new: 2
            }
        );
        assert!(change(&report, "other").is_err());
    }

    #[test]
    fn a_failure_or_a_low_rate_breaks_the_rule() {
        let good = TargetReport {
            done: 100,
            ok: 100,
            asked_rate: 100.0,
            began_us: 0,
            until_us: 1_000_000,
            ..TargetReport::default()
        };
        let holds = |one: TargetReport| hold_to_rule(&Report { targets: vec![one] }).is_ok();
        assert!(holds(good.clone()));
        assert!(!holds(TargetReport {
            ok: 99,
            ..good.clone()
        }));
        assert!(!holds(TargetReport {
            until_us: 1_200_000,
            ..good.clone()
        }));
        assert!(!holds(TargetReport {
            done: 0,
            ok: 0,
            ..good
        }));
    }
}
