//! From a plan to a connection: who answers now, and waiting for a copy that restarts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use devspace_core::table::{After, Backend, CopyRoute, Decision, PortRoute, RouteTable, route};
use devspace_core::{ServiceName, SpaceName};
use tokio::time::{Instant, sleep};

use crate::answer::Failure;
use crate::metrics::{Metrics, RouteKind};
use crate::pool::{ConnectError, Lease, Reuse, Wanted};
use crate::settings::Waits;
use crate::tables::Changes;
use crate::worker::Worker;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) to: &'a Backend,
    pub(crate) key: Option<&'a SpaceName>,
    /// Who asks, for services whose callers stay with one endpoint.
    pub(crate) peer: IpAddr,
    pub(crate) wanted: Wanted,
}

/// Who answers a request.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) service: ServiceName,
    pub(crate) kind: RouteKind,
    /// The space of the copy that answers.
    pub(crate) copy: Option<SpaceName>,
    /// The service is gone from the baseline.
    pub(crate) retired: bool,
}

/// Who answers after a certain wait, and how long it may be waited for.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) route: Route,
    /// Endpoints in the order of trying.
    pub(crate) endpoints: Vec<SocketAddr>,
    /// The whole wait, from the beginning, after which this answer is given up.
    pub(crate) hold: Duration,
}

/// Why no connection was found, and for whom.
#[derive(Debug)]
pub(crate) struct NotFound {
    pub(crate) failure: Failure,
    pub(crate) route: Option<Route>,
}

/// Finds who answers and connects. A copy that is down or refuses is waited for, woken by every new table and by
/// tries of its address, up to its hold time. Cancel safe: nothing is left behind when the caller leaves.
pub(crate) async fn find(
    worker: &Worker,
    search: &Search<'_>,
    reuse: Reuse,
) -> Result<(Lease, Route), NotFound> {
    let begun = Instant::now();
    let mut wait: Option<Wait> = None;
    loop {
        let step = pick(worker, search, begun.elapsed()).ok_or(NotFound {
            failure: Failure::UnknownListener,
            route: None,
        })?;
        for address in &step.endpoints {
            match worker.pool.lease(*address, search.wanted, reuse).await {
                Ok(lease) => return Ok((lease, step.route)),
                Err(ConnectError::NotHttp2) => {
                    let failure = Failure::NotHttp2(step.route.service.clone());
                    return Err(NotFound {
                        failure,
                        route: Some(step.route),
                    });
                }
                Err(ConnectError::Refused(_) | ConnectError::TimedOut | ConnectError::Handshake(_)) => {}
            }
        }
        // From here on no new table is missed, and it is looked once more whatever the time: the table may have
        // changed while the endpoint refused.
        let Some(wait) = &mut wait else {
            wait = Some(Wait::enter(worker).ok_or(NotFound {
                failure: Failure::TooManyHeld,
                route: Some(step.route),
            })?);
            continue;
        };
        let left = step.hold.saturating_sub(begun.elapsed());
        if left.is_zero() {
            worker.metrics.shared.held_failed.inc();
            return Err(given_up(step.route));
        }
        wait.next(left, !step.endpoints.is_empty(), &worker.settings.waits)
            .await;
    }
}

fn given_up(route: Route) -> NotFound {
    let service = route.service.clone();
    let failure = match &route.copy {
        Some(space) => Failure::CopyDown {
            space: space.clone(),
            service,
        },
        None => Failure::NoEndpoint(service),
    };
    NotFound {
        failure,
        route: Some(route),
    }
}

/// Who answers a request that has waited for `waited`; `None` where no service has the listener.
pub(crate) fn pick(worker: &Worker, search: &Search<'_>, waited: Duration) -> Option<Step> {
    let baseline_hold = worker.settings.waits.baseline_hold;
    let listener = match search.to {
        Backend::Listener(listener) => *listener,
        Backend::Plain { service, address } => {
            let kind = baseline_kind(search.key);
            let route = Route {
                service: service.clone(),
                kind,
                copy: None,
                retired: false,
            };
            return Some(Step {
                route,
                endpoints: vec![*address],
                hold: baseline_hold,
            });
        }
    };
    let table: &RouteTable = &worker.tables.load();
    let (port, copy, hold) = match route(table, listener, search.key) {
        Decision::Unknown => return None,
        Decision::Baseline(port) => (port, None, baseline_hold),
        Decision::Copy(port, copy) => {
            let (copy, hold) = after(copy, waited, baseline_hold);
            (port, copy, hold)
        }
    };
    let kind = match copy {
        Some(copy) if Some(&copy.space) == search.key => RouteKind::Copy,
        Some(_) => RouteKind::ParentCopy,
        None => baseline_kind(search.key),
    };
    let known = copy.map_or(port.baseline.as_deref().unwrap_or_default(), |copy| {
        &copy.endpoints
    });
    Some(Step {
        route: Route {
            service: port.service.clone(),
            kind,
            copy: copy.map(|copy| copy.space.clone()),
            retired: port.retired,
        },
        endpoints: in_order(worker, port, known, search.peer),
        hold,
    })
}

fn baseline_kind(key: Option<&SpaceName>) -> RouteKind {
    if key.is_some() {
        RouteKind::KeyedBaseline
    } else {
        RouteKind::Baseline
    }
}

/// Walks down the fallbacks whose hold time has passed. `None` is the baseline.
fn after(copy: &CopyRoute, waited: Duration, baseline_hold: Duration) -> (Option<&CopyRoute>, Duration) {
    let (mut copy, mut hold) = (copy, copy.hold);
    while waited >= hold {
        match copy.after.as_deref() {
            None => break,
            Some(After::Baseline) => return (None, hold + baseline_hold),
            Some(After::Copy(parent)) => {
                hold += parent.hold;
                copy = parent;
            }
        }
    }
    (Some(copy), hold)
}

/// Endpoints in turn, or from the one that the caller's address chooses; those that lately did not answer last.
fn in_order(worker: &Worker, port: &PortRoute, known: &[SocketAddr], peer: IpAddr) -> Vec<SocketAddr> {
    let mut order = known.to_vec();
    if order.len() > 1 {
        if port.client_affinity {
            // The highest hash wins, so every router and thread agrees, and one endpoint's going moves only its own.
            order.sort_by_cached_key(|address| std::cmp::Reverse(hash(&(peer, address))));
        } else {
            let turn = worker.turn.get();
            worker.turn.set(turn.wrapping_add(1));
            let start = turn % order.len();
            order.rotate_left(start);
        }
        order.sort_by_key(|address| worker.pool.is_penalised(*address));
    }
    order
}

fn hash(value: &impl Hash) -> u64 {
    // The default hasher has fixed keys, which is what agreement between routers needs.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// One request that waits.
struct Wait {
    held: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    changes: Changes,
    pause: Duration,
}

// === impl Wait ===

impl Wait {
    /// `None` where too many wait already.
    fn enter(worker: &Worker) -> Option<Self> {
        let held = Arc::clone(&worker.held);
        if held.fetch_add(1, Ordering::AcqRel) >= worker.settings.held_requests {
            held.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let metrics = Arc::clone(&worker.metrics.shared);
        metrics.held.inc();
        metrics.held_total.inc();
        Some(Self {
            held,
            metrics,
            changes: worker.tables.changes(),
            pause: worker.settings.waits.retry.0,
        })
    }

    /// Waits for another table, or for the next try of the addresses that are known, at most `left`.
    async fn next(&mut self, left: Duration, may_try: bool, waits: &Waits) {
        let pause = if may_try { self.pause.min(left) } else { left };
        tokio::select! {
            () = self.changes.next() => {}
            () = sleep(pause) => self.pause = (self.pause * 2).min(waits.retry.1),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::AcqRel);
        self.metrics.held.dec();
    }
}
