//! Load: kept connections at a fixed rate, and new connections of one request each. No request is sent twice.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::connection::{self, Connection, Lost};
use super::tally::{Ended, Outcome, Tally};
use crate::clock;
use crate::wire::{Plan, Report, Target};

type Counts = Arc<Mutex<Tally>>;

/// Running load. Dropping it ends it.
pub struct Load {
    counts: Vec<Counts>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// Starts every target of the plan.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        let mut tasks = JoinSet::new();
        let mut counts = Vec::new();
        let began_us = clock::now_us();
        for target in plan.targets {
            let target = Arc::new(target);
            let count: Counts = Arc::new(Mutex::new(Tally::new(&target, began_us)));
            for number in 0..target.kept {
                // Spread over one period, so that the connections do not send all at once.
                let period = Duration::from_secs_f64(f64::from(target.kept) / target.rate.max(0.001));
                let offset = period.mul_f64(f64::from(number) / f64::from(target.kept));
                tasks.spawn(keep(Arc::clone(&target), Arc::clone(&count), period, offset));
            }
            if target.fresh > 0.0 {
                tasks.spawn(open_anew(Arc::clone(&target), Arc::clone(&count)));
            }
            counts.push(count);
        }
        Self {
            counts,
            _tasks: tasks,
        }
    }

    /// What was seen so far.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            targets: self.counts.iter().map(|count| lock(count).report()).collect(),
        }
    }
}

fn lock(counts: &Counts) -> std::sync::MutexGuard<'_, Tally> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One kept connection: a request every `period`. Ticks missed while a response was slow are made up for, so that the
/// asked rate is the rate of the whole run.
async fn keep(target: Arc<Target>, counts: Counts, period: Duration, offset: Duration) {
    let mut ticks = interval_at(Instant::now() + offset, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut kept: Option<Connection> = None;
    loop {
        ticks.tick().await;
        let sent_us = clock::now_us();
        let mut connection = match kept.take() {
            None => None,
            Some(mut open) => {
                if !open.is_closed() && open.is_ready().await {
                    Some(open)
                } else {
                    lock(&counts).reopened();
                    None
                }
            }
        };
        let result = timeout(
            connection::limit(&target.request),
            exchange(&mut connection, &target),
        )
        .await
        .unwrap_or(Err(Lost::Late));
        if result.is_ok() {
            kept = connection;
        }
        count(&counts, false, sent_us, result);
    }
}

async fn exchange(
    connection: &mut Option<Connection>,
    target: &Target,
) -> Result<crate::wire::Response, Lost> {
    let built = connection::build(&target.request)?;
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(&target.request.address, target.request.protocol).await?),
    };
    open.send(built).await
}

/// A new connection for each request, whether or not those before have ended.
async fn open_anew(target: Arc<Target>, counts: Counts) {
    let period = Duration::from_secs_f64(1.0 / target.fresh);
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    loop {
        ticks.tick().await;
        while running.try_join_next().is_some() {}
        let (target, counts) = (Arc::clone(&target), Arc::clone(&counts));
        running.spawn(async move {
            let sent_us = clock::now_us();
            let result = connection::once(&target.request).await;
            count(&counts, true, sent_us, result);
        });
    }
}

fn count(counts: &Counts, fresh: bool, sent_us: u64, result: Result<crate::wire::Response, Lost>) {
    let done_us = clock::now_us();
    let outcome = match result {
        Ok(response) => Outcome::Answered(response),
        Err(lost) => Outcome::Lost(lost.kind(), lost.to_string()),
    };
    lock(counts).count(&Ended {
        fresh,
        sent_us,
        done_us,
        outcome,
    });
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::net::TcpListener;

    use super::*;
    use crate::pod::serve;
    use crate::wire::{Protocol, Request, Rule, TargetReport};

    /// Runs load against a server that answers `body` until enough requests have ended.
    async fn seen(body: &'static str, protocol: Protocol) -> TargetReport {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut server = JoinSet::new();
        server.spawn(serve::forever(listener, move |_| async move {
            serve::text(StatusCode::OK, body)
        }));
        let rule = Rule {
            contains: vec!["right".into()],
            ..Rule::default()
        };
        let request = Request {
            address,
            protocol,
            path: "/".into(),
            ..Request::default()
        };
        let target = Target {
            name: "t".into(),
            request,
            rule,
            kept: 4,
            rate: 400.0,
            fresh: 100.0,
            mark: None,
        };
        let load = Load::start(Plan {
            targets: vec![target],
        });
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let enough = async {
            loop {
                ticks.tick().await;
                let report = load.report().targets.remove(0);
                if report.done >= 60 && report.fresh >= 5 {
                    return report;
                }
            }
        };
        timeout(Duration::from_secs(20), enough).await.unwrap()
    }

    #[tokio::test]
    async fn kept_and_new_connections_are_counted() {
        for protocol in [Protocol::Http1, Protocol::H2] {
            let report = seen("right", protocol).await;
            assert_eq!(report.failed(), 0, "{report:?}");
            assert_eq!(report.reopened, 0, "{report:?}");
        }
    }

    #[tokio::test]
    async fn a_wrong_answer_fails() {
        let report = seen("wrong", Protocol::Http1).await;
        assert_eq!(report.failed(), report.done);
        assert_eq!(report.failures["lacks"].count, report.done);
    }
}
