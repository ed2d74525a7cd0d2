//! Leader election by a coordination Lease, after client-go's `leaderelection`.
//!
//! A lease counts as expired when this process has seen no change of it for as long as it says it lasts.
//! Clocks of other machines are never compared (client-go, package leaderelection, "clock skew").

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;

/// How long a lease lasts without renewal.
const DURATION: Duration = Duration::from_secs(15);
/// When the holder gives up. Earlier than [`DURATION`], so that two never act at once.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often the lease is renewed or looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// Why a term ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TermEnd {
    /// The program stops.
    Stopped,
    /// The lease could not be renewed in time or somebody else has it.
    Lost,
}

/// One candidate of the election.
pub(crate) struct Election {
    leases: Api<Lease>,
    name: String,
    identity: String,
    seen: Option<Seen>,
}

/// The lease as this process last saw it change.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    version: Option<String>,
    at: Instant,
}

/// What a candidate may do with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// It is ours: renew it.
    Renew,
    /// Nobody holds it, or its holder was not seen for its duration: take it.
    Take,
    /// Somebody holds it.
    Wait,
}

/// What `identity` may do with a lease that was last seen to change `unchanged_for` ago.
fn claim(spec: &LeaseSpec, identity: &str, unchanged_for: Duration) -> Claim {
    match spec.holder_identity.as_deref() {
        None | Some("") => Claim::Take,
        Some(holder) if holder == identity => Claim::Renew,
        Some(_) => {
            let lasts = spec
                .lease_duration_seconds
                .and_then(|seconds| u64::try_from(seconds).ok());
            let lasts = lasts.map_or(DURATION, Duration::from_secs);
            if unchanged_for > lasts {
                Claim::Take
            } else {
                Claim::Wait
            }
        }
    }
}

/// The lease's content after `claim`.
fn next_spec(old: &LeaseSpec, identity: &str, claim: Claim, now: Timestamp) -> LeaseSpec {
    let taken = claim == Claim::Take;
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: if taken {
            Some(MicroTime(now))
        } else {
            old.acquire_time.clone()
        },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(
            old.lease_transitions
                .unwrap_or(0)
                .saturating_add(i32::from(taken)),
        ),
        ..old.clone()
    }
}

// === impl Election ===

impl Election {
    /// A candidate for the lease that `settings` names.
    pub(crate) fn new(client: Client, settings: &Settings) -> Self {
        let leases = Api::namespaced(client, &settings.namespace);
        Self {
            leases,
            name: settings.lease.clone(),
            identity: settings.identity.clone(),
            seen: None,
        }
    }

    /// Waits until the lease is ours: `true`. `false` where the program stops first. Cancel safe.
    pub(crate) async fn acquire(&mut self, stop: &CancellationToken) -> bool {
        loop {
            let attempt = async {
                match timeout(DEADLINE, self.attempt()).await {
                    Ok(Ok(true)) => return true,
                    Ok(Ok(false)) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "lease not taken"),
                    Err(_) => tracing::warn!("the API server does not answer"),
                }
                sleep(PERIOD).await;
                false
            };
            tokio::select! {
                () = stop.cancelled() => return false,
                taken = attempt => if taken {
                    tracing::info!("lease taken");
                    return true;
                },
            }
        }
    }

    /// Renews the lease until it is lost or the program stops. Cancel safe.
    pub(crate) async fn hold(&mut self, stop: &CancellationToken) -> TermEnd {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return TermEnd::Stopped,
                () = sleep(PERIOD) => {}
            }
            let left = DEADLINE.saturating_sub(renewed.elapsed());
            match timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => {
                    tracing::warn!("lease taken by another process");
                    return TermEnd::Lost;
                }
                Ok(Err(error)) if renewed.elapsed() < DEADLINE => tracing::warn!(%error, "lease not renewed"),
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!("lease not renewed in time");
                    return TermEnd::Lost;
                }
            }
        }
    }

    /// Gives the lease up, so that another process need not wait for its end. Best effort.
    pub(crate) async fn release(&mut self) {
        let released = async {
            let Some(mut lease) = self.leases.get_opt(&self.name).await? else {
                return Ok(());
            };
            let Some(spec) = lease.spec.as_mut() else {
                return Ok(());
            };
            if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
                spec.holder_identity = Some(String::new());
                self.leases
                    .replace(&self.name, &PostParams::default(), &lease)
                    .await?;
            }
            Ok::<(), kube::Error>(())
        };
        match timeout(PERIOD, released).await {
            Ok(Ok(())) => tracing::info!("lease released"),
            Ok(Err(error)) => tracing::warn!(%error, "lease not released"),
            Err(_) => tracing::warn!("the API server does not answer"),
        }
    }

    /// One look at the lease: whether it is ours afterwards.
    async fn attempt(&mut self) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.leases.get_opt(&self.name).await? else {
            return self.create().await;
        };
        let version = lease.metadata.resource_version.clone();
        let seen = match self.seen.take() {
            Some(seen) if seen.version == version => seen,
            Some(_) | None => Seen {
                version,
                at: Instant::now(),
            },
        };
        let unchanged_for = seen.at.elapsed();
        self.seen = Some(seen);
        let old = lease.spec.take().unwrap_or_default();
        let claim = claim(&old, &self.identity, unchanged_for);
        if claim == Claim::Wait {
            return Ok(false);
        }
        lease.spec = Some(next_spec(&old, &self.identity, claim, Timestamp::now()));
        // The resourceVersion in `lease` makes this a compare-and-swap.
        match self
            .leases
            .replace(&self.name, &PostParams::default(), &lease)
            .await
        {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(&self) -> Result<bool, kube::Error> {
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            ..ObjectMeta::default()
        };
        let spec = next_spec(
            &LeaseSpec::default(),
            &self.identity,
            Claim::Take,
            Timestamp::now(),
        );
        match self
            .leases
            .create(
                &PostParams::default(),
                &Lease {
                    metadata,
                    spec: Some(spec),
                },
            )
            .await
        {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(identity: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(identity.into()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_taken_only_when_it_is_free_or_its_holder_is_silent() {
        let short = Duration::from_secs(15);
        let long = Duration::from_secs(16);
        assert_eq!(claim(&LeaseSpec::default(), "a", Duration::ZERO), Claim::Take);
        assert_eq!(claim(&held_by(""), "a", Duration::ZERO), Claim::Take);
        assert_eq!(claim(&held_by("a"), "a", long), Claim::Renew);
        assert_eq!(claim(&held_by("b"), "a", short), Claim::Wait);
        assert_eq!(claim(&held_by("b"), "a", long), Claim::Take);
    }

    #[test]
    fn a_renewal_keeps_the_time_of_taking_and_a_take_counts() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let taken = next_spec(&held_by("b"), "a", Claim::Take, now);
        assert_eq!(
            (taken.lease_transitions, taken.acquire_time.clone()),
            (Some(4), Some(MicroTime(now)))
        );
        let later: Timestamp = "2026-11-22T00:00:05Z".parse().unwrap();
        let renewed = next_spec(&taken, "a", Claim::Renew, later);
        assert_eq!(
            (renewed.lease_transitions, renewed.acquire_time),
            (Some(4), Some(MicroTime(now)))
        );
        assert_eq!(renewed.renew_time, Some(MicroTime(later)));
    }
}
