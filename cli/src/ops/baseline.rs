//! `devspace baseline enable | disable | status`.

use devspace_api::Baseline;
use devspace_api::baseline::{BaselineSpec, Interception, ServiceState};
use devspace_api::names::BASELINE_NAME;
use futures::StreamExt;

use crate::engine::{At, Engine, EngineError};
use crate::event::InterceptionRow;
use crate::exit::Exit;
use crate::ops::up::error_word;
use crate::report::{Hint, Report};

/// Which Services, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Intercept these.
    Enable(Vec<String>),
    /// Intercept all.
    EnableAll,
    /// Leave these alone.
    Disable(Vec<String>),
    /// Leave all alone.
    DisableAll,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselineError {
    /// The engine did not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No Baseline.
    #[error("namespace {namespace} has no Baseline")]
    None { namespace: String },
    /// Services that cannot be intercepted.
    #[error("not intercepted: {}", services.join("; "))]
    NotIntercepted { services: Vec<String> },
    /// It takes too long.
    #[error("not done in time: {}", waiting.join("; "))]
    TimedOut { waiting: Vec<String> },
}

/// The Baseline of `namespace`.
///
/// # Errors
/// [`BaselineError::None`].
pub(crate) async fn existing(engine: &dyn Engine, namespace: &str) -> Result<Baseline, BaselineError> {
    let found = engine.baselines().list(namespace).await?;
    found.into_iter().next().ok_or_else(|| BaselineError::None {
        namespace: namespace.to_owned(),
    })
}

/// Writes the change; makes the Baseline where `change` enables and there is none.
///
/// # Errors
/// [`BaselineError`].
pub(crate) async fn change(
    engine: &dyn Engine,
    namespace: &str,
    change: &Change,
    hosts: &[String],
) -> Result<Baseline, BaselineError> {
    loop {
        let found = engine.baselines().list(namespace).await?.into_iter().next();
        if found.is_none() && matches!(change, Change::Disable(_) | Change::DisableAll) {
            return Err(BaselineError::None {
                namespace: namespace.to_owned(),
            });
        }
        let mut baseline = found.unwrap_or_else(|| Baseline::new(BASELINE_NAME, BaselineSpec::default()));
        let name = baseline.metadata.name.clone().unwrap_or_default();
        apply(&mut baseline.spec, change, hosts);
        let at = At {
            namespace: namespace.to_owned(),
            name,
        };
        match engine.baselines().put(&at, baseline).await {
            // Somebody changed it in between: look again.
            Err(EngineError::Conflict { .. }) => {}
            result => return Ok(result?),
        }
    }
}

/// What the change makes of the spec.
fn apply(spec: &mut BaselineSpec, change: &Change, hosts: &[String]) {
    let intercept = &mut spec.intercept;
    match change {
        Change::Enable(services) => {
            intercept.except.retain(|name| !services.contains(name));
            intercept.services.extend(services.iter().cloned());
        }
        Change::EnableAll => intercept.all = true,
        Change::Disable(services) => {
            intercept.services.retain(|name| !services.contains(name));
            // Another rule may still ask for them.
            if intercept.all || intercept.selector.is_some() {
                intercept.except.extend(services.iter().cloned());
            }
        }
        Change::DisableAll => {
            intercept.all = false;
            intercept.services.clear();
            intercept.selector = None;
        }
    }
    for list in [&mut intercept.services, &mut intercept.except] {
        list.sort();
        list.dedup();
    }
    if !hosts.is_empty() {
        spec.hosts = hosts.to_vec();
    }
}

/// What a change still waits for, and what it cannot reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Progress {
    waiting: Vec<String>,
    refused: Vec<String>,
}

/// How far the change is, by the status of the Baseline that was written at `generation`.
fn progress(baseline: &Baseline, generation: i64, change: &Change) -> Progress {
    let status = baseline.status.clone().unwrap_or_default();
    if status.observed_generation.unwrap_or_default() < generation {
        return Progress {
            waiting: vec!["the controller has not seen the change".to_owned()],
            refused: Vec::new(),
        };
    }
    let mut progress = Progress::default();
    for state in &status.services {
        let line = || {
            if state.message.is_empty() {
                format!("{} is {}", state.name, error_word(state.state))
            } else {
                format!("{}: {}", state.name, state.message)
            }
        };
        let settled = matches!(state.state, Interception::Refused | Interception::Contended);
        match change {
            Change::Enable(services) if services.contains(&state.name) && settled => {
                progress.refused.push(line())
            }
            Change::Enable(services)
                if services.contains(&state.name) && state.state != Interception::Intercepted =>
            {
                progress.waiting.push(line());
            }
            // Of all Services some cannot be: that is told, and is no failure.
            Change::EnableAll
                if state.state == Interception::Plain
                    && !baseline.spec.intercept.except.contains(&state.name) =>
            {
                progress.waiting.push(line())
            }
            Change::Disable(services)
                if services.contains(&state.name) && state.state == Interception::Intercepted =>
            {
                progress.waiting.push(line());
            }
            Change::DisableAll if state.state == Interception::Intercepted => progress.waiting.push(line()),
            _ => {}
        }
    }
    if let Change::Enable(services) = change {
        let missing = services
            .iter()
            .filter(|name| !status.services.iter().any(|state| &state.name == *name));
        progress
            .refused
            .extend(missing.map(|name| format!("{name}: there is no such Service")));
    }
    progress
}

/// Waits until the cluster did what `change` says. `Ok` has the Baseline as it is then.
///
/// # Errors
/// [`BaselineError::NotIntercepted`] for named Services that cannot be; [`BaselineError::TimedOut`].
pub(crate) async fn settled(
    engine: &dyn Engine,
    written: &Baseline,
    change: &Change,
    timeout: std::time::Duration,
) -> Result<Baseline, BaselineError> {
    let at = At {
        namespace: written.metadata.namespace.clone().unwrap_or_default(),
        name: written.metadata.name.clone().unwrap_or_default(),
    };
    let generation = written.metadata.generation.unwrap_or_default();
    let mut last = Progress::default();
    let wait = async {
        let mut seen = engine.baselines().watch(&at);
        while let Some(baseline) = seen.next().await {
            let Some(baseline) = baseline? else { break };
            last = progress(&baseline, generation, change);
            if last.waiting.is_empty() {
                return Ok(baseline);
            }
        }
        Err(BaselineError::None {
            namespace: at.namespace.clone(),
        })
    };
    match tokio::time::timeout(timeout, wait).await {
        Ok(Ok(_)) if !last.refused.is_empty() => Err(BaselineError::NotIntercepted {
            services: last.refused,
        }),
        Ok(result) => result,
        Err(_) => Err(BaselineError::TimedOut {
            waiting: last.waiting,
        }),
    }
}

/// The Services of a Baseline as rows.
pub(crate) fn rows(baseline: &Baseline) -> Vec<InterceptionRow> {
    let namespace = baseline.metadata.namespace.clone().unwrap_or_default();
    let row = |state: &ServiceState| InterceptionRow {
        baseline: namespace.clone(),
        service: state.name.clone(),
        state: error_word(state.state).to_owned(),
        reason: state.reason.clone(),
        message: state.message.clone(),
    };
    baseline
        .status
        .iter()
        .flat_map(|status| &status.services)
        .map(row)
        .collect()
}

impl Report for BaselineError {
    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::None { .. } => "no_baseline",
            Self::NotIntercepted { .. } => "not_intercepted",
            Self::TimedOut { .. } => "timed_out",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::None { namespace } => Some(Hint::with(
                "make it",
                format!("devspace baseline enable --all -b {namespace}"),
            )),
            Self::TimedOut { .. } => Some(Hint::with(
                "is the controller running?",
                "kubectl -n devspace-system get pods",
            )),
            Self::NotIntercepted { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(services: &[(&str, Interception)], generation: i64) -> Baseline {
        let mut baseline = Baseline::new("baseline", BaselineSpec::default());
        let state = |(name, state): &(&str, Interception)| ServiceState {
            name: (*name).into(),
            state: *state,
            reason: String::new(),
            message: String::new(),
            since: None,
        };
        baseline.status = Some(devspace_api::BaselineStatus {
            observed_generation: Some(generation),
            services: services.iter().map(state).collect(),
            ..Default::default()
        });
        baseline
    }

    #[test]
    fn enable_and_disable_change_the_rules() {
        let mut spec = BaselineSpec::default();
        apply(
            &mut spec,
            &Change::Enable(vec!["b".into(), "a".into(), "a".into()]),
            &["shop.test".into()],
        );
        assert_eq!(spec.intercept.services, ["a", "b"]);
        assert_eq!(spec.hosts, ["shop.test"]);
        apply(&mut spec, &Change::EnableAll, &[]);
        apply(&mut spec, &Change::Disable(vec!["a".into()]), &[]);
        assert_eq!(
            (
                spec.intercept.services.as_slice(),
                spec.intercept.except.as_slice()
            ),
            (["b".to_owned()].as_slice(), ["a".to_owned()].as_slice())
        );
        apply(&mut spec, &Change::Enable(vec!["a".into()]), &[]);
        assert!(spec.intercept.except.is_empty());
        apply(&mut spec, &Change::DisableAll, &[]);
        assert!(!spec.intercept.all && spec.intercept.services.is_empty());
        assert_eq!(spec.hosts, ["shop.test"]);
    }

    #[test]
    fn a_change_is_done_when_the_status_says_so() {
        let enable = Change::Enable(vec!["a".into()]);
        let old = baseline(&[("a", Interception::Intercepted)], 1);
        assert!(!progress(&old, 2, &enable).waiting.is_empty());
        let plain = baseline(&[("a", Interception::Plain), ("b", Interception::Plain)], 2);
        assert_eq!(progress(&plain, 2, &enable).waiting.len(), 1);
        assert_eq!(progress(&plain, 2, &Change::EnableAll).waiting.len(), 2);
        let done = baseline(
            &[("a", Interception::Intercepted), ("b", Interception::Refused)],
            2,
        );
        assert_eq!(progress(&done, 2, &enable), Progress::default());
        assert_eq!(progress(&done, 2, &Change::EnableAll), Progress::default());
        assert_eq!(progress(&done, 2, &Change::DisableAll).waiting.len(), 1);
        assert_eq!(
            progress(&done, 2, &Change::Enable(vec!["b".into()]))
                .refused
                .len(),
            1
        );
        assert_eq!(
            progress(&done, 2, &Change::Enable(vec!["c".into()])).refused,
            ["c: there is no such Service"]
        );
    }
}
