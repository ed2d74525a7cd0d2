//! The developer's folders as they were last read, and the watch over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::quiet::Dirty;
use super::watch::Watch;
use super::{Build, SessionConfig};
use crate::diff::Place;
use crate::inputs::Inputs;
use crate::manifest::Manifest;
use crate::path::RelPath;
use crate::rules::{Matcher, Rules};
use crate::scan::{LocalTree, ScanError, refresh, scan};

/// All folders of a session. Every method that reads them blocks.
#[derive(Debug)]
pub(super) struct Folders {
    folders: Vec<Folder>,
    pub(super) watch: Watch,
}

#[derive(Debug)]
struct Folder {
    /// The root's place in the copy; `None` for the inputs of a build on this machine, which are not synced.
    to: Option<String>,
    inputs: Inputs,
    from: PathBuf,
    only: Vec<String>,
    rules: Rules,
    matcher: Matcher,
    tree: LocalTree,
    is_read: bool,
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) warnings: Vec<String>,
    /// An input of the build on this machine changed.
    pub(super) inputs_changed: bool,
}

// === impl Folders ===

impl Folders {
    /// The folders of `config`, not yet read.
    pub(super) fn new(config: &SessionConfig) -> Result<Self, globset::Error> {
        let everything = Inputs::try_new(&[])?;
        let synced = config.roots.iter().map(|root| {
            Folder::new(
                Some(root.to.clone()),
                everything.clone(),
                root.from.clone(),
                root.only.clone(),
            )
        });
        let mut folders: Vec<Folder> = synced.collect();
        if let Some(Build::Here { when, dir, .. }) = &config.program.build {
            folders.push(Folder::new(None, Inputs::try_new(when)?, dir.clone(), Vec::new()));
        }
        Ok(Self {
            folders,
            watch: Watch::new(),
        })
    }

    /// Reads everything that was not read or that `dirty` names, and watches what is new.
    pub(super) fn look(&mut self, dirty: &Dirty) -> Result<Looked, ScanError> {
        let mut looked = Looked::default();
        for folder in &mut self.folders {
            folder.look(dirty, &mut looked)?;
        }
        // A folder that is watched only now may have changed between its reading and the watch.
        loop {
            let all: BTreeSet<PathBuf> = self.folders.iter().flat_map(Folder::watched).collect();
            let (fresh, warning) = self.watch.set(&all);
            looked.warnings.extend(warning);
            if fresh.is_empty() {
                return Ok(looked);
            }
            for folder in &mut self.folders {
                if fresh.iter().any(|path| path.starts_with(&folder.from)) {
                    folder.rescan(&mut looked)?;
                }
            }
        }
    }

    /// What the synced folders hold.
    pub(super) fn manifest(&self) -> Manifest {
        let synced = self
            .folders
            .iter()
            .filter_map(|folder| Some((folder.to.clone()?, folder.tree.to_tree())));
        Manifest {
            roots: synced.collect(),
        }
    }

    /// Where each root lies.
    pub(super) fn places(&self) -> BTreeMap<String, PathBuf> {
        self.folders
            .iter()
            .filter_map(|folder| Some((folder.to.clone()?, folder.from.clone())))
            .collect()
    }

    /// What was read of `place` is not what it holds.
    pub(super) fn distrust(&mut self, place: &Place) -> Option<PathBuf> {
        let folder = self
            .folders
            .iter_mut()
            .find(|folder| folder.to.as_ref() == Some(&place.to))?;
        folder.tree.distrust(&place.path);
        Some(place.path.under(&folder.from))
    }

    /// Reads every file of the synced folders again, whatever its identity.
    pub(super) fn read_all(&self) -> Result<Manifest, ScanError> {
        let mut manifest = Manifest::default();
        for folder in &self.folders {
            if let Some(to) = &folder.to {
                let scanned = scan(&Rules::new(&folder.from, &folder.only), &LocalTree::default())?;
                manifest.roots.insert(to.clone(), scanned.tree.to_tree());
            }
        }
        Ok(manifest)
    }

    /// Git is in the middle of something in one of the working trees.
    pub(super) fn git_is_at_work(&self) -> bool {
        self.folders
            .iter()
            .filter_map(|folder| folder.rules.git_top())
            .any(|top| top.join(".git/index.lock").exists())
    }
}

// === impl Folder ===

impl Folder {
    fn new(to: Option<String>, inputs: Inputs, from: PathBuf, only: Vec<String>) -> Self {
        let rules = Rules::new(&from, &only);
        let matcher = rules.matcher();
        Self {
            to,
            inputs,
            from,
            only,
            rules,
            matcher,
            tree: LocalTree::default(),
            is_read: false,
        }
    }

    fn look(&mut self, dirty: &Dirty, looked: &mut Looked) -> Result<(), ScanError> {
        if dirty.everything || !self.is_read || dirty.paths.contains(&self.from) {
            return self.rescan(looked);
        }
        let own = dirty.paths.iter().filter(|path| path.starts_with(&self.from));
        let own: Vec<RelPath> = own
            .filter_map(|path| RelPath::below(&self.from, path).ok())
            .collect();
        if own.iter().any(Rules::is_rule_file) {
            return self.rescan(looked);
        }
        for path in &own {
            let before = self.tree.get(path.as_str()).cloned();
            looked
                .warnings
                .extend(refresh(&self.rules, &mut self.matcher, &mut self.tree, path)?);
            if self.to.is_none()
                && self.inputs.contains(path.as_str())
                && before.as_ref() != self.tree.get(path.as_str())
            {
                looked.inputs_changed = true;
            }
        }
        Ok(())
    }

    fn rescan(&mut self, looked: &mut Looked) -> Result<(), ScanError> {
        self.rules = Rules::new(&self.from, &self.only);
        self.matcher = self.rules.matcher();
        let scanned = scan(&self.rules, &self.tree)?;
        if self.to.is_none() {
            let of_inputs = |tree: &LocalTree| -> Vec<_> {
                let inputs = tree
                    .entries()
                    .filter(|(path, _)| self.inputs.contains(path.as_str()));
                inputs
                    .map(|(path, entry)| (path.clone(), entry.clone()))
                    .collect()
            };
            looked.inputs_changed |= self.is_read && of_inputs(&self.tree) != of_inputs(&scanned.tree);
        }
        looked.warnings.extend(scanned.warnings);
        self.tree = scanned.tree;
        self.is_read = true;
        Ok(())
    }

    fn watched(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let below = self.tree.folders().map(|path| path.under(&self.from));
        std::iter::once(self.from.clone()).chain(below)
    }
}

/// The roots that are not there, or are no folders.
pub(super) fn missing(config: &SessionConfig) -> Option<&Path> {
    config
        .roots
        .iter()
        .map(|root| root.from.as_path())
        .find(|from| !from.is_dir())
}
