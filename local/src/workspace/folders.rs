//! Folders that nothing needs any more. They are moved aside first, so that their names are free at once.

use std::path::{Path, PathBuf};

use super::Actor;
use crate::plan::UnitKey;
use crate::store::{Key, Kind};
use crate::{cache, environment, files};

// === impl Actor ===

impl Actor {
    /// Removes folders of spaces that are gone. Of a copy that is gone only the caches stay, as in a cluster.
    /// `wanted` are the copies that there are to be.
    pub(super) fn sweep(&mut self, spaces: &[String], wanted: &[UnitKey]) {
        if !std::mem::take(&mut self.sweep) {
            return;
        }
        for space_folder in files::entries(&self.copies_folder()) {
            let space = files::name_of(&space_folder).to_owned();
            let in_space = |key: &UnitKey| key.space.as_deref() == Some(space.as_str());
            if !spaces.contains(&space) {
                if !self.running.keys().any(in_space) {
                    self.throw_away(&space_folder);
                }
                continue;
            }
            for folder in files::entries(&space_folder) {
                let key = UnitKey {
                    space: Some(space.clone()),
                    service: files::name_of(&folder).to_owned(),
                };
                if !wanted.contains(&key) && !self.running.contains_key(&key) {
                    self.clear(&folder, &key.service);
                }
            }
        }
    }

    fn clear(&self, folder: &Path, service: &str) {
        let services = self.workspace.services.iter();
        let caches = services
            .filter(|known| known.name == service)
            .flat_map(|known| &known.cache);
        let kept: Vec<PathBuf> = environment::paths(folder, caches).into_values().collect();
        if let Err(error) = cache::clear(folder, &kept) {
            tracing::warn!(folder = %folder.display(), %error, "a copy's folder is not cleared");
        }
    }

    fn throw_away(&self, folder: &Path) {
        let aside = self.shared.home.trash().join(uuid::Uuid::now_v7().to_string());
        if let Err(error) = std::fs::rename(folder, &aside) {
            tracing::warn!(folder = %folder.display(), %error, "a folder is not removed");
            return;
        }
        // Large caches take a while; nobody waits for it, and the next start goes on with what is left.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = std::fs::remove_dir_all(&aside) {
                tracing::warn!(folder = %aside.display(), %error, "a folder is not removed");
            }
        });
    }

    /// Removes all that was kept of the workspace. Nothing of it runs any more.
    pub(super) fn remove(&mut self) {
        let name = self.workspace.name.clone();
        for space in self.spaces() {
            let space = space.metadata.name.unwrap_or_default();
            let namespace = devspace_plan::space::namespace_name(&name, &space);
            for copy in self
                .shared
                .store
                .typed::<devspace_api::ServiceCopy>(Kind::Copy, &namespace)
            {
                self.delete(Kind::Copy, &namespace, copy.metadata.name.unwrap_or_default());
            }
            self.delete(Kind::Space, &name, space);
        }
        self.delete(Kind::Baseline, &name, name.clone());
        self.throw_away(&self.folder());
    }

    fn delete(&self, kind: Kind, namespace: &str, name: String) {
        let key = Key {
            kind,
            namespace: namespace.to_owned(),
            name,
        };
        if let Err(error) = self.shared.store.delete(&key) {
            tracing::warn!(?key, %error, "an object is not removed");
        }
    }
}
