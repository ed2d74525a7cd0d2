//! How the objects are watched.

use kube::runtime::watcher::Config;

/// How long one request of a watch lasts, in seconds.
///
/// An API server that has just started can accept a watch of a custom resource and never send anything on it, while it
/// takes the definition up. What was missed comes when the watch is taken up anew from its last version, so this bounds
/// how long we are blind. Kubernetes' own clients take 5 to 10 minutes.
const SECONDS: u32 = 20;

/// The settings of every watch of ours.
#[must_use]
pub fn config() -> Config {
    Config::default().timeout(SECONDS)
}
