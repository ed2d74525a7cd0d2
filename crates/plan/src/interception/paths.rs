//! Sets of fields as `managedFields` writes them (FieldsV1: structured-merge-diff, "fieldpath" serialisation).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One field: its steps from the object's root, as FieldsV1 writes them (`f:spec`, `k:{"port":80}`).
pub(super) type Path = Vec<String>;

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paths(pub(super) BTreeSet<Path>);

// === impl Paths ===

impl Paths {
    /// Reads a FieldsV1 tree. A leaf and a `.` both stand for the field itself.
    pub(super) fn read(tree: &Value) -> Self {
        let mut paths = BTreeSet::new();
        collect(tree, &mut Vec::new(), &mut paths);
        Self(paths)
    }

    /// Writes the FieldsV1 tree.
    pub(super) fn write(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            insert(&mut root, path);
        }
        Value::Object(root)
    }

    /// The fields that lie under `prefix`, itself included.
    pub(super) fn under(&self, prefix: &[&str]) -> Self {
        let inside =
            |path: &&Path| prefix.len() <= path.len() && path.iter().zip(prefix).all(|(a, b)| a == b);
        Self(self.0.iter().filter(inside).cloned().collect())
    }
}

fn collect(tree: &Value, at: &mut Path, paths: &mut BTreeSet<Path>) {
    let Some(children) = tree.as_object() else { return };
    if children.is_empty() && !at.is_empty() {
        paths.insert(at.clone());
    }
    for (step, child) in children {
        if step == "." {
            paths.insert(at.clone());
            continue;
        }
        at.push(step.clone());
        collect(child, at, paths);
        at.pop();
    }
}

/// Paths come sorted, so a field is written before what lies under it.
fn insert(root: &mut Map<String, Value>, path: &[String]) {
    let mut at = root;
    for (depth, step) in path.iter().enumerate() {
        let fresh = !at.contains_key(step);
        let child = at
            .entry(step.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(child) = child else { return };
        let last = depth + 1 == path.len();
        // An empty tree that was there before stands for the field itself: it must say so once it gets children.
        if !fresh && !last && child.is_empty() {
            child.insert(".".to_owned(), Value::Object(Map::new()));
        }
        at = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tree_survives_reading_and_writing() {
        let tree = json!({
            "f:metadata": {"f:annotations": {".": {}, "f:a": {}}, "f:labels": {"f:app": {}}},
            "f:spec": {
                "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:targetPort": {}}},
                "f:selector": {},
            },
        });
        assert_eq!(Paths::read(&tree).write(), tree);
    }

    #[test]
    fn under_takes_a_part() {
        let tree = json!({"f:spec": {"f:selector": {}, "f:type": {}}, "f:specification": {}});
        let part = Paths::read(&tree).under(&["f:spec"]).write();
        assert_eq!(part, json!({"f:spec": {"f:selector": {}, "f:type": {}}}));
    }
}
