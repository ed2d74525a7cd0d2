//! Interception: which step brings one Service of the baseline nearer to what its Baseline asks for.
//!
//! Everything here is a function over what was observed. The caller makes one step, observes again and asks again,
//! so that a step that was lost or made twice does no harm. State is read from the Service's spec; the record
//! (annotation) says what was there before and which listeners stand for the ports.

mod contention;
mod listeners;
mod network;
mod ownership;
mod patches;
mod paths;
mod policy;
mod refusal;
mod report;
mod shadow;
mod shape;

use std::collections::{BTreeMap, BTreeSet};

use devspace_api::names::ROUTER_SELECTOR_VALUE;
use devspace_api::record::Record;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;

pub use contention::{Rounds, last_writer, setting_for};
pub use listeners::Asker;
pub use network::{matches, network_refusal};
pub use ownership::{hand_back, needs_hand_back};
pub use patches::{flip, forget, record, restore};
pub use policy::is_wanted;
pub use refusal::{PolicyEffect, Refusal, is_own, refusal};
pub use report::{Restoration, foresee, restoration, state};
pub use shadow::{originals_of_shadow, same_endpoints, shadow, shadow_is_current, shadow_name};
pub use shape::{OriginalPort, Originals, Shape, is_current, originals, shape};

/// How many seconds the record of a Service that was put back stays, for connections that the router still has.
pub const LINGER_SECONDS: i64 = 30;

/// What was observed of one Service.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The Service.
    pub service: &'a Service,
    /// Whether the Baseline asks for it. `false` while the Baseline is being removed.
    pub wanted: bool,
    /// Why it cannot be intercepted: [`refusal`], then [`network_refusal`].
    pub refusal: Option<&'a Refusal>,
    /// Its shadow, if there is one.
    pub shadow: Option<&'a Service>,
    /// Whether the shadow's endpoints equal the Service's own. Counts only while the Service is plain.
    pub same_endpoints: bool,
    /// The routers.
    pub routers: &'a Routers,
    /// Who keeps taking it back: [`Rounds::contender`].
    pub contender: Option<&'a str>,
    /// Listeners in all records of the namespace.
    pub taken: &'a BTreeSet<u16>,
    /// Who asks.
    pub asker: Asker<'a>,
}

/// What was observed of the routers of a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routers {
    /// Labels of each router pod that is ready and not about to end.
    pub ready: Vec<BTreeMap<String, String>>,
    /// No router was ready for longer than the controller waits.
    pub lost: bool,
    /// No router pod is left, not even one about to end.
    pub gone: bool,
    /// The Baseline is being removed, and its routers with it.
    pub leaving: bool,
}

/// The next step of one Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is not asked for and has nothing of ours.
    Nothing,
    /// It passes the router.
    Intercepted,
    /// It cannot be intercepted, and it is plain.
    Refuse(Refusal),
    /// Somebody keeps taking it back, so it is left plain.
    Contended {
        /// Who.
        manager: String,
    },
    /// Something must become ready first.
    Wait(Waiting),
    /// Write this first record.
    Record(Record),
    /// Write this record: the owner changed what the Service is.
    Adopt(Record),
    /// A mix: put it back plain at once, with this record.
    Repair(Record),
    /// Send its traffic to the router.
    Flip(Record),
    /// Give the owners' fields back: our second patch was lost.
    HandBack,
    /// Put it back plain, with this record.
    Restore(Record),
    /// It is plain for good, and the record goes later.
    Linger,
    /// Take the record off, and the shadow with it.
    Forget,
}

/// What a plain, recorded Service waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// No router is ready, or not each ready one carries the selector's keys.
    Routers,
    /// The shadow does not have the Service's endpoints yet.
    Shadow,
}

// === impl Routers ===

impl Routers {
    /// Whether a flip would reach every ready router, and at least one: each carries all the selector's keys.
    #[must_use]
    pub fn carry(&self, selector: &BTreeMap<String, String>) -> bool {
        let carries = |labels: &BTreeMap<String, String>| {
            selector.keys().all(|key| {
                labels
                    .get(key)
                    .is_some_and(|value| value == ROUTER_SELECTOR_VALUE)
            })
        };
        !self.ready.is_empty() && self.ready.iter().all(carries)
    }
}

/// The next step of one Service.
#[must_use]
pub fn plan(observed: &Observed<'_>) -> Step {
    let service = observed.service;
    if service.metadata.deletion_timestamp.is_some() || is_own(service) {
        return Step::Nothing;
    }
    let record = match Record::of(service) {
        Ok(Some(record)) => record,
        Ok(None) => return without_record(observed),
        // What the shadow says is as good as the record.
        Err(error) => return recover(observed).unwrap_or_else(|| Step::Refuse(Refusal::from(&error))),
    };
    match shape(service, &record) {
        Shape::Mixed => repair(observed, &record),
        Shape::Flipped => flipped(observed, &record),
        Shape::Plain => plain(observed, record),
    }
}

fn without_record(observed: &Observed<'_>) -> Step {
    if shape::has_router_value(observed.service) {
        return recover(observed).unwrap_or(Step::Refuse(Refusal::Lost));
    }
    if !observed.wanted {
        return Step::Nothing;
    }
    if let Some(refusal) = observed.refusal {
        return Step::Refuse(refusal.clone());
    }
    renewed(observed, None).map_or(Step::Refuse(Refusal::Listeners), Step::Record)
}

/// The record of a Service that is still flipped, from its shadow and its own targets.
fn recover(observed: &Observed<'_>) -> Option<Step> {
    let originals = originals_of_shadow(observed.shadow?);
    let targets: Vec<(u16, u16)> = shape::ports(observed.service).iter().filter_map(target).collect();
    let record = listeners::recovered(&originals, &targets, observed.asker)?;
    shape::has_router_value(observed.service).then_some(Step::Record(record))
}

fn target(port: &k8s_openapi::api::core::v1::ServicePort) -> Option<(u16, u16)> {
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int;
    let Some(Int(listener)) = port.target_port else {
        return None;
    };
    Some((u16::try_from(port.port).ok()?, u16::try_from(listener).ok()?))
}

/// The record as the owner's last values make it. Ports that stay keep their listeners.
fn renewed(observed: &Observed<'_>, previous: Option<&Record>) -> Option<Record> {
    let originals = originals(observed.service, previous);
    listeners::record_of(&originals, previous, observed.taken, observed.asker)
}

fn repair(observed: &Observed<'_>, record: &Record) -> Step {
    match renewed(observed, Some(record)) {
        Some(renewed) => Step::Repair(renewed),
        // No listener is left for a new port. Plain is safe whatever the record then says.
        None => Step::Repair(record.clone()),
    }
}

fn flipped(observed: &Observed<'_>, record: &Record) -> Step {
    let for_good = !observed.wanted || observed.refusal.is_some();
    if for_good || observed.contender.is_some() || observed.routers.lost {
        let restored = for_good.then(|| observed.asker.now.to_owned());
        return Step::Restore(Record {
            restored,
            ..record.clone()
        });
    }
    if needs_hand_back(observed.service) {
        return Step::HandBack;
    }
    if is_current(record, &originals(observed.service, Some(record))) && record.restored.is_none() {
        return Step::Intercepted;
    }
    renewed(observed, Some(record)).map_or(Step::Intercepted, Step::Adopt)
}

fn plain(observed: &Observed<'_>, record: Record) -> Step {
    if needs_hand_back(observed.service) {
        return Step::HandBack;
    }
    if !observed.wanted || observed.refusal.is_some() {
        return leave(observed, record);
    }
    let originals = originals(observed.service, Some(&record));
    if record.restored.is_some() || !is_current(&record, &originals) {
        return renewed(observed, Some(&record)).map_or(Step::Refuse(Refusal::Listeners), Step::Adopt);
    }
    if let Some(manager) = observed.contender {
        return Step::Contended {
            manager: manager.to_owned(),
        };
    }
    if observed.routers.lost || !observed.routers.carry(&record.selector) {
        return Step::Wait(Waiting::Routers);
    }
    let wanted = shadow(observed.service, &record);
    let current = |live: &Service| {
        wanted
            .as_ref()
            .is_some_and(|wanted| shadow_is_current(live, wanted))
    };
    if !observed.shadow.is_some_and(current) || !observed.same_endpoints {
        return Step::Wait(Waiting::Shadow);
    }
    Step::Flip(record)
}

/// A plain Service that is to stay so. Its record goes when no connection can need it any more.
fn leave(observed: &Observed<'_>, record: Record) -> Step {
    let routers = observed.routers;
    if routers.gone {
        return Step::Forget;
    }
    let Some(restored) = record.restored.as_deref() else {
        return Step::Restore(Record {
            restored: Some(observed.asker.now.to_owned()),
            ..record
        });
    };
    if routers.leaving {
        return Step::Linger;
    }
    let parse = |text: &str| text.parse::<Timestamp>().ok();
    // Times that cannot be read keep nothing waiting.
    let over = match (parse(restored), parse(observed.asker.now)) {
        (Some(then), Some(now)) => now.as_second().saturating_sub(then.as_second()) >= LINGER_SECONDS,
        _ => true,
    };
    if over { Step::Forget } else { Step::Linger }
}

#[cfg(test)]
mod tests;
