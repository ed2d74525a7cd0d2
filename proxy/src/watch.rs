//! What the router watches. A watch that breaks is taken up again for ever; the stores keep what they last held.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use devspace_api::names::{BASELINE_LABEL, SHADOW_OF_LABEL};
use devspace_api::{Baseline, ServiceCopy, Space};
use futures::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{debug, warn};

/// Everything that the table is built from, as last seen.
pub(crate) struct Stores {
    pub(crate) services: Store<Service>,
    pub(crate) shadows: Store<EndpointSlice>,
    pub(crate) ingresses: Store<Ingress>,
    pub(crate) baselines: Store<DeserializeGuard<Baseline>>,
    pub(crate) spaces: Store<DeserializeGuard<Space>>,
    pub(crate) copies: Store<DeserializeGuard<ServiceCopy>>,
    pub(crate) copy_slices: Store<EndpointSlice>,
}

/// Starts the watches in `tasks`. `changed` is told of every event.
pub(crate) fn start(
    client: &Client,
    namespace: &str,
    changed: &Arc<Notify>,
    tasks: &mut JoinSet<()>,
) -> Stores {
    let all = watcher::Config::default;
    let of_baseline = || all().labels(&format!("{BASELINE_LABEL}={namespace}"));
    let here = Start {
        client,
        changed,
        namespace,
    };
    Stores {
        services: here.watch(here.local(), all(), tasks),
        shadows: here.watch(here.local(), all().labels(SHADOW_OF_LABEL), tasks),
        ingresses: here.watch(here.local(), all(), tasks),
        baselines: here.watch(here.local(), all(), tasks),
        spaces: here.watch(here.local(), all(), tasks),
        copies: here.watch(Api::all(client.clone()), of_baseline(), tasks),
        copy_slices: here.watch(Api::all(client.clone()), of_baseline(), tasks),
    }
}

struct Start<'a> {
    client: &'a Client,
    changed: &'a Arc<Notify>,
    namespace: &'a str,
}

// === impl Start ===

impl Start<'_> {
    fn local<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    fn watch<K>(&self, api: Api<K>, config: watcher::Config, tasks: &mut JoinSet<()>) -> Store<K>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
        K::DynamicType: Eq + Hash + Clone,
    {
        let (store, writer) = reflector::store();
        let changed = Arc::clone(self.changed);
        let events = watcher(api, config).default_backoff().reflect(writer);
        tasks.spawn(async move {
            let kind = K::kind(&());
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                match event {
                    // A list that is being read changes nothing before its end.
                    Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
                    Ok(_) => {
                        debug!(%kind, "watch event");
                        changed.notify_one();
                    }
                    Err(error) => warn!(%kind, error = crate::logging::chain(&error), "watch broke and is taken up again"),
                }
            }
        });
        store
    }
}

// === impl Stores ===

impl Stores {
    /// Waits until every store holds a first complete list.
    pub(crate) async fn complete(&self) {
        // A writer is dropped only when its task ends, which is the end of the program.
        let _ = tokio::join!(
            self.services.wait_until_ready(),
            self.shadows.wait_until_ready(),
            self.ingresses.wait_until_ready(),
            self.baselines.wait_until_ready(),
            self.spaces.wait_until_ready(),
            self.copies.wait_until_ready(),
            self.copy_slices.wait_until_ready(),
        );
    }
}
