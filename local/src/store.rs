//! The three kinds of objects, kept as one JSON file each, with the metadata that Kubernetes would give them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::files;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Baseline,
    Space,
    Copy,
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// All objects. Every change makes a new version, which watchers wait for and then look: none is lost.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    objects: Mutex<Objects>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<Key, Value>,
    version: u64,
}

/// Whether a change counts that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Must,
    IfPossible,
}

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0} was changed by somebody else meanwhile; read it again")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the state folder cannot be written; is the disk full?")]
    Write(#[from] io::Error),
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 3] = [Self::Baseline, Self::Space, Self::Copy];

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Baseline => "baselines",
            Self::Space => "spaces",
            Self::Copy => "servicecopies",
        }
    }

    pub(crate) fn parse(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Baseline => "Baseline",
            Self::Space => "Space",
            Self::Copy => "ServiceCopy",
        }
    }
}

// === impl Store ===

impl Store {
    /// What `folder` holds. A file that cannot be read is left out and logged.
    pub(crate) fn open(folder: PathBuf) -> Self {
        let mut objects = Objects::default();
        for kind in Kind::ALL {
            for namespace in files::entries(&folder.join(kind.plural())) {
                let is_object = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
                for path in files::entries(&namespace).into_iter().filter(is_object) {
                    let key = Key {
                        kind,
                        namespace: files::name_of(&namespace).to_owned(),
                        name: files::name_of(&path).trim_end_matches(".json").to_owned(),
                    };
                    if let Some(object) = files::read_json::<Value>(&path) {
                        objects.version = objects.version.max(version_of(&object));
                        objects.by_key.insert(key, object);
                    }
                }
            }
        }
        // Versions of objects that were removed before the start must not come again.
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        objects.version = objects.version.max(now);
        let (changed, _) = watch::channel(objects.version);
        Self {
            folder,
            objects: Mutex::new(objects),
            changed,
        }
    }

    /// Wakes at each change after this call.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Value> {
        self.lock().by_key.get(key).cloned()
    }

    /// The objects of a namespace in the order of names.
    pub(crate) fn list(&self, kind: Kind, namespace: &str) -> Vec<Value> {
        let objects = self.lock();
        let here = |key: &&Key| key.kind == kind && key.namespace == namespace;
        let found = objects.by_key.iter().filter(|(key, _)| here(key));
        found.map(|(_, object)| object.clone()).collect()
    }

    /// [`Store::list`] as types. What is no such object is left out: it was checked when it was written.
    pub(crate) fn typed<T: DeserializeOwned>(&self, kind: Kind, namespace: &str) -> Vec<T> {
        let all = self.list(kind, namespace).into_iter();
        all.filter_map(|object| serde_json::from_value(object).ok())
            .collect()
    }

    /// Makes the object, or replaces what `body` names of labels, annotations and spec.
    pub(crate) fn apply(&self, key: &Key, body: &Value) -> Result<Value, StoreError> {
        let mut objects = self.lock();
        // One that is to go is as good as gone: what is written now is another object.
        let old = objects.by_key.get(key).filter(|old| !is_going(old)).cloned();
        let mut new = old.clone().unwrap_or_else(|| fresh(key));
        for field in ["labels", "annotations"] {
            let named = body.pointer(&format!("/metadata/{field}"));
            merge(entry(&mut new, &["metadata", field]), named);
        }
        merge(entry(&mut new, &["spec"]), body.get("spec"));
        self.write(&mut objects, key, old.as_ref(), new, Keeping::Must)
    }

    /// Makes the object, or replaces it where `body` carries its current version.
    pub(crate) fn put(&self, key: &Key, body: &Value) -> Result<Value, StoreError> {
        let mut objects = self.lock();
        let old = objects.by_key.get(key).filter(|old| !is_going(old)).cloned();
        let given = body.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let current = old.as_ref().map(|old| version_of(old).to_string());
        if given.filter(|given| !given.is_empty()) != current.as_deref() {
            return Err(StoreError::Conflict(format!("{} {}", key.kind.word(), key.name)));
        }
        let mut new = old.clone().unwrap_or_else(|| fresh(key));
        for field in ["labels", "annotations"] {
            let named = body.pointer(&format!("/metadata/{field}")).cloned();
            *entry(&mut new, &["metadata", field]) = object_of(named);
        }
        *entry(&mut new, &["spec"]) = object_of(body.get("spec").cloned());
        self.write(&mut objects, key, old.as_ref(), new, Keeping::Must)
    }

    /// Writes the status of the object `uid`, if it is still that one and the status differs. It is told to watchers
    /// even where it cannot be kept (a full disk): it is made anew after a restart.
    pub(crate) fn set_status(&self, key: &Key, uid: &str, status: &impl Serialize) -> Result<(), StoreError> {
        let status = serde_json::to_value(status).map_err(io::Error::from)?;
        let mut objects = self.lock();
        let Some(old) = objects.by_key.get(key).filter(|old| uid_of(old) == uid).cloned() else {
            return Ok(());
        };
        let mut new = old.clone();
        if let Some(fields) = new.as_object_mut() {
            fields.insert("status".to_owned(), status);
        }
        self.write(&mut objects, key, Some(&old), new, Keeping::IfPossible)
            .map(drop)
    }

    /// Marks the object as one that is to go: it gets its deletion timestamp, and [`Store::finish`] removes it.
    /// `false` where it is not there.
    pub(crate) fn mark(&self, key: &Key) -> Result<bool, StoreError> {
        let mut objects = self.lock();
        let Some(old) = objects.by_key.get(key).cloned() else {
            return Ok(false);
        };
        if !is_going(&old) {
            let mut new = old.clone();
            *entry(&mut new, &["metadata", "deletionTimestamp"]) = json!(now());
            // One that cannot be kept (a full disk) goes all the same: only a restart in between would bring it back.
            self.write(&mut objects, key, Some(&old), new, Keeping::IfPossible)
                .or_else(|error| match error {
                    StoreError::Write(_) => Ok(Value::Null),
                    error => Err(error),
                })?;
        }
        Ok(true)
    }

    /// Removes the object `uid`, if it is still that one and is marked.
    pub(crate) fn finish(&self, key: &Key, uid: &str) -> Result<(), StoreError> {
        let mut objects = self.lock();
        let current = objects.by_key.get(key);
        if current.is_some_and(|object| uid_of(object) == uid && is_going(object)) {
            self.take(&mut objects, key)?;
        }
        Ok(())
    }

    /// Removes the object at once. `false` where it is not there.
    pub(crate) fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let mut objects = self.lock();
        if !objects.by_key.contains_key(key) {
            return Ok(false);
        }
        self.take(&mut objects, key)?;
        Ok(true)
    }

    fn take(&self, objects: &mut MutexGuard<'_, Objects>, key: &Key) -> Result<(), StoreError> {
        match std::fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        objects.by_key.remove(key);
        objects.version += 1;
        self.changed.send_replace(objects.version);
        Ok(())
    }

    fn write(
        &self,
        objects: &mut MutexGuard<'_, Objects>,
        key: &Key,
        old: Option<&Value>,
        mut new: Value,
        keeping: Keeping,
    ) -> Result<Value, StoreError> {
        if let Some(old) = old {
            if *old == new {
                return Ok(new);
            }
            if old.get("spec") != new.get("spec") {
                let generation = old.pointer("/metadata/generation").and_then(Value::as_i64);
                *entry(&mut new, &["metadata", "generation"]) = json!(generation.unwrap_or_default() + 1);
            }
        }
        let version = objects.version + 1;
        *entry(&mut new, &["metadata", "resourceVersion"]) = json!(version.to_string());
        check(key.kind, &new)?;
        let kept = files::write_json(&self.path(key), &new);
        if kept.is_ok() || keeping == Keeping::IfPossible {
            objects.version = version;
            objects.by_key.insert(key.clone(), new.clone());
            self.changed.send_replace(version);
        }
        kept?;
        Ok(new)
    }

    fn path(&self, key: &Key) -> PathBuf {
        let folder = self.folder.join(key.kind.plural()).join(&key.namespace);
        folder.join(format!("{}.json", key.name))
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The object is one of its kind, so that every reader can read it.
fn check(kind: Kind, object: &Value) -> Result<(), StoreError> {
    let read = |error: Option<serde_json::Error>| match error {
        None => Ok(()),
        Some(error) => Err(StoreError::Invalid(format!(
            "this is no {}: {error}",
            kind.word()
        ))),
    };
    let object = object.clone();
    match kind {
        Kind::Baseline => read(serde_json::from_value::<devspace_api::Baseline>(object).err()),
        Kind::Space => read(serde_json::from_value::<devspace_api::Space>(object).err()),
        Kind::Copy => read(serde_json::from_value::<devspace_api::ServiceCopy>(object).err()),
    }
}

fn fresh(key: &Key) -> Value {
    json!({
        "apiVersion": format!("{}/{}", devspace_api::GROUP, devspace_api::VERSION),
        "kind": key.kind.word(),
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "uid": uuid::Uuid::now_v7().to_string(),
            "generation": 1,
            "creationTimestamp": now(),
        },
        "spec": {},
    })
}

/// The time as objects tell it, in whole seconds.
fn now() -> String {
    let second = Timestamp::from_second(Timestamp::now().as_second());
    second.unwrap_or_default().to_string()
}

/// The value at `path`, made where it is missing.
fn entry<'v>(value: &'v mut Value, path: &[&str]) -> &'v mut Value {
    path.iter().fold(value, |value, part| {
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(fields) => fields.entry(*part).or_insert(Value::Null),
            other => other,
        }
    })
}

/// Each field that `named` holds replaces the field of that name.
fn merge(into: &mut Value, named: Option<&Value>) {
    let named = named.and_then(Value::as_object);
    let mut fields = into.as_object().cloned().unwrap_or_default();
    for (name, value) in named.into_iter().flatten() {
        fields.insert(name.clone(), value.clone());
    }
    *into = Value::Object(fields);
}

fn object_of(value: Option<Value>) -> Value {
    value
        .filter(Value::is_object)
        .unwrap_or_else(|| Value::Object(Map::new()))
}

pub(crate) fn uid_of(object: &Value) -> &str {
    object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Whether the object is one that is to go.
pub(crate) fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The object's version.
pub(crate) fn version_of(object: &Value) -> u64 {
    let text = object
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            kind: Kind::Space,
            namespace: "shop".into(),
            name: "red".into(),
        }
    }

    fn number(object: &Value, path: &str) -> i64 {
        object.pointer(path).and_then(Value::as_i64).unwrap()
    }

    #[test]
    fn an_object_gets_its_metadata_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned());
        let body = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"owner": "ada", "ttl": "1h"}});
        let first = store.apply(&key(), &body).unwrap();
        assert_eq!(number(&first, "/metadata/generation"), 1);
        assert!(!uid_of(&first).is_empty());
        let again = store.apply(&key(), &body).unwrap();
        assert_eq!(again, first, "nothing changed, so there is no new version");
        let more = json!({"metadata": {"labels": {"b": "2"}}, "spec": {"owner": "bob"}});
        let second = store.apply(&key(), &more).unwrap();
        assert_eq!(number(&second, "/metadata/generation"), 2);
        assert_eq!(second["spec"], json!({"owner": "bob", "ttl": "1h"}));
        assert_eq!(second["metadata"]["labels"], json!({"a": "1", "b": "2"}));
        let labelled = store
            .apply(&key(), &json!({"metadata": {"labels": {"c": "3"}}}))
            .unwrap();
        assert_eq!(
            number(&labelled, "/metadata/generation"),
            2,
            "only the spec counts"
        );
        store
            .set_status(&key(), uid_of(&first), &json!({"namespace": "n"}))
            .unwrap();
        store
            .set_status(&key(), "another", &json!({"namespace": "m"}))
            .unwrap();
        let before = store.get(&key()).unwrap();
        assert_eq!(before["status"]["namespace"], "n");
        assert_eq!(number(&before, "/metadata/generation"), 2);
        drop(store);
        let store = Store::open(folder.path().to_owned());
        assert_eq!(store.get(&key()).unwrap(), before);
        let after = store.apply(&key(), &json!({"spec": {"owner": "eve"}})).unwrap();
        assert!(version_of(&after) > version_of(&before));
    }

    #[test]
    fn a_replacement_needs_the_current_version() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned());
        let spec = json!({"owner": "ada"});
        let made = store.put(&key(), &json!({"spec": spec})).unwrap();
        assert!(matches!(
            store.put(&key(), &json!({"spec": spec})),
            Err(StoreError::Conflict(_))
        ));
        let version = version_of(&made).to_string();
        let body = json!({"metadata": {"resourceVersion": version}, "spec": {"owner": "bob"}});
        store.put(&key(), &body).unwrap();
        assert!(matches!(store.put(&key(), &body), Err(StoreError::Conflict(_))));
    }

    #[test]
    fn what_is_no_object_of_the_kind_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned());
        let wrong = store.apply(&key(), &json!({"spec": {"owner": 7}}));
        assert!(matches!(wrong, Err(StoreError::Invalid(_))));
        assert_eq!(store.get(&key()), None);
    }

    #[test]
    fn an_object_that_is_to_go_stays_until_that_is_done_and_a_new_one_takes_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned());
        assert!(!store.mark(&key()).unwrap());
        let spec = json!({"spec": {"owner": "ada"}});
        let made = store.apply(&key(), &spec).unwrap();
        store.finish(&key(), uid_of(&made)).unwrap();
        assert!(store.get(&key()).is_some(), "nobody asked for its end");
        assert!(store.mark(&key()).unwrap());
        let marked = store.get(&key()).unwrap();
        assert!(is_going(&marked) && !is_going(&made));
        assert!(store.mark(&key()).unwrap());
        assert_eq!(store.get(&key()).unwrap(), marked, "asking twice changes nothing");
        let again = store.apply(&key(), &spec).unwrap();
        assert!(!is_going(&again) && uid_of(&again) != uid_of(&made));
        store.finish(&key(), uid_of(&made)).unwrap();
        assert_eq!(
            store.get(&key()).unwrap(),
            again,
            "the old one's end is not the new one's"
        );
        store.mark(&key()).unwrap();
        store.finish(&key(), uid_of(&again)).unwrap();
        assert_eq!(store.get(&key()), None);
    }

    #[tokio::test]
    async fn watchers_wake_at_every_change() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_owned());
        let mut changes = store.changes();
        store.apply(&key(), &json!({"spec": {"owner": "ada"}})).unwrap();
        changes.changed().await.unwrap();
        changes.borrow_and_update();
        assert!(store.delete(&key()).unwrap());
        changes.changed().await.unwrap();
        assert!(!store.delete(&key()).unwrap());
    }
}
