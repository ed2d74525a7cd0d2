//! Waiting for a condition with a deadline. Never for a length of time.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Api;
use kube::runtime::wait::{Condition, await_condition};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often a condition outside the API server is asked for.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Watches an object until the condition holds. Answers the object, `None` where it does not exist.
///
/// # Errors
/// The deadline passed, or the watch failed.
pub async fn object<K>(
    api: Api<K>,
    name: &str,
    limit: Duration,
    what: &str,
    condition: impl Condition<K>,
) -> Result<Option<K>>
where
    K: Clone + std::fmt::Debug + Send + DeserializeOwned + kube::Resource + 'static,
    K::DynamicType: Default,
{
    let waited = timeout(limit, await_condition(api.clone(), name, condition)).await;
    match waited {
        Ok(found) => found.with_context(|| format!("waiting until {what}")),
        Err(_) => {
            let last = api.get_opt(name).await;
            bail!("not within {limit:?}: {what}; last seen: {last:#?}")
        }
    }
}

/// Asks again and again until the answer is there. The last reason why it is not goes into the error.
///
/// # Errors
/// The deadline passed.
pub async fn until<T>(limit: Duration, what: &str, mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let left = deadline.saturating_duration_since(Instant::now()).max(ASK_EVERY);
        let reason = match timeout(left, ask()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(reason)) => reason,
            Err(_) => anyhow::anyhow!("no answer"),
        };
        if Instant::now() >= deadline {
            return Err(reason.context(format!("not within {limit:?}: {what}")));
        }
    }
}
