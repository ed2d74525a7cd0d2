//! Watches that wake a controller.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use futures::stream::{BoxStream, StreamExt};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

/// What of an object counts as a change.
pub(crate) type Version<K> = fn(&K) -> Option<String>;

/// Any write counts.
pub(crate) fn any<K: Resource>(object: &K) -> Option<String> {
    object.resource_version()
}

/// A change of the spec, of labels or annotations or a deletion counts; status alone does not.
/// Objects without a generation change by any write.
pub(crate) fn spec<K: Resource>(object: &K) -> Option<String> {
    let meta = object.meta();
    let Some(generation) = meta.generation else {
        return meta.resource_version.clone();
    };
    let (labels, annotations) = (meta.labels.as_ref(), meta.annotations.as_ref());
    Some(format!(
        "{:?} {generation} {labels:?} {annotations:?} {:?}",
        meta.uid, meta.deletion_timestamp
    ))
}

/// Wakes the objects that `targets` names whenever an object of `api` changes by `version` or is deleted.
/// Errors of the watch are logged, and the watch goes on with a backoff.
pub(crate) fn changes<K, T, I>(
    api: Api<K>,
    config: watcher::Config,
    version: Version<K>,
    targets: impl Fn(&K) -> I + Send + Sync + 'static,
) -> BoxStream<'static, ObjectRef<T>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Send + Sync,
    T: Resource<DynamicType = ()> + 'static,
    I: IntoIterator<Item = ObjectRef<T>>,
{
    let mut seen = Seen {
        versions: HashMap::new(),
        version,
    };
    let events = watcher(api, config).default_backoff();
    let targets = events.filter_map(move |event| {
        let changed = event
            .inspect_err(warn::<K>)
            .ok()
            .and_then(|event| seen.changed(event));
        std::future::ready(changed.map(|object| targets(&object).into_iter().collect::<Vec<_>>()))
    });
    targets.map(futures::stream::iter).flatten().boxed()
}

/// The same, with every object of `api` kept for reading. Any write counts.
pub(crate) fn kept<K, T, I>(
    api: Api<K>,
    config: watcher::Config,
    targets: impl Fn(&K) -> I + Send + Sync + 'static,
) -> (reflector::Store<K>, BoxStream<'static, ObjectRef<T>>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    T: Resource<DynamicType = ()> + 'static,
    I: IntoIterator<Item = ObjectRef<T>>,
{
    let (store, writer) = reflector::store();
    let objects = watcher(api, config)
        .default_backoff()
        .reflect(writer)
        .touched_objects();
    let targets = objects.filter_map(move |object| {
        let object = object.inspect_err(warn::<K>).ok();
        std::future::ready(object.map(|object| targets(&object).into_iter().collect::<Vec<_>>()))
    });
    (store, targets.map(futures::stream::iter).flatten().boxed())
}

fn warn<K>(error: &watcher::Error) {
    let kind = std::any::type_name::<K>();
    tracing::warn!(kind, error = crate::logging::chain(error), "watch interrupted");
}

/// The last version of every object of a watch.
struct Seen<K: Resource> {
    versions: HashMap<(Option<String>, String), String>,
    version: Version<K>,
}

// === impl Seen ===

impl<K: Resource> Seen<K> {
    /// The object of `event`, where it is a change.
    fn changed(&mut self, event: Event<K>) -> Option<K> {
        let (object, gone) = match event {
            Event::Apply(object) | Event::InitApply(object) => (object, false),
            Event::Delete(object) => (object, true),
            Event::Init | Event::InitDone => return None,
        };
        let key = (object.namespace(), object.name_any());
        if gone {
            self.versions.remove(&key);
            return Some(object);
        }
        let version = (self.version)(&object).unwrap_or_default();
        let before = self.versions.insert(key, version.clone());
        (before.as_ref() != Some(&version)).then_some(object)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn deployment(generation: i64, version: &str) -> Deployment {
        let metadata = ObjectMeta {
            name: Some("package".into()),
            generation: Some(generation),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        };
        Deployment {
            metadata,
            ..Deployment::default()
        }
    }

    #[test]
    fn a_status_alone_wakes_nobody_and_a_deletion_always_does() {
        let mut seen = Seen {
            versions: HashMap::new(),
            version: spec::<Deployment>,
        };
        assert!(seen.changed(Event::Apply(deployment(1, "1"))).is_some());
        assert!(seen.changed(Event::Apply(deployment(1, "2"))).is_none());
        assert!(seen.changed(Event::Apply(deployment(2, "3"))).is_some());
        assert!(seen.changed(Event::Delete(deployment(2, "3"))).is_some());
        assert!(seen.changed(Event::InitApply(deployment(2, "4"))).is_some());
    }
}
