use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::diff::{Batch, diff};
use crate::frames::{BatchHeader, Operation, write_frame};
use crate::manifest::ContentHash;
use crate::path::RelPath;
use crate::rules::Rules;
use crate::scan::{LocalTree, scan};
use crate::send::{Progress, send};

const TO: &str = "/src";

struct Bench {
    folder: TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("here")).unwrap();
        let mut store = Store::open(layout(folder.path())).unwrap();
        store.set_roots(&[TO.to_owned()]).unwrap();
        Self { folder, store }
    }

    fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    fn there(&self) -> PathBuf {
        self.folder.path().join("there")
    }

    fn local(&self) -> Manifest {
        let tree = scan(&Rules::new(&self.here(), &[]), &LocalTree::default())
            .unwrap()
            .tree
            .to_tree();
        Manifest {
            roots: BTreeMap::from([(TO.to_owned(), tree)]),
        }
    }

    fn bytes(&self, batch: &Batch) -> Vec<u8> {
        let mut bytes = Vec::new();
        let folders = BTreeMap::from([(TO.to_owned(), self.here())]);
        send(
            batch,
            &self.store.root(),
            &folders,
            &Progress::default(),
            &mut bytes,
        )
        .unwrap();
        bytes
    }

    fn stage(&self, bytes: &[u8]) -> Result<Staged, StageError> {
        stage(
            &mut &*bytes,
            &self.store.stage_folder(),
            &BTreeSet::from([TO.to_owned()]),
        )
    }

    fn sync(&mut self) -> Applied {
        let batch = diff(&self.local(), self.store.manifest()).unwrap();
        let staged = self.stage(&self.bytes(&batch)).unwrap();
        self.store.apply(&staged).unwrap()
    }

    fn put(&self, path: &str, content: &str) {
        let place = self.here().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
}

fn layout(folder: &Path) -> Layout {
    Layout {
        state: folder.join("state"),
        roots: BTreeMap::from([(TO.to_owned(), folder.join("there"))]),
    }
}

fn scanned(folder: &Path) -> Tree {
    scan(&Rules::new(folder, &[]), &LocalTree::default())
        .unwrap()
        .tree
        .to_tree()
}

#[test]
fn what_is_here_is_there_and_what_is_only_there_stays() {
    let mut bench = Bench::new();
    bench.put("a/b", "one");
    bench.put("run.sh", "two");
    fs::set_permissions(bench.here().join("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("a/b", bench.here().join("link")).unwrap();
    fs::create_dir_all(bench.there().join("a")).unwrap();
    fs::write(bench.there().join("a/of-the-image"), "kept").unwrap();
    let applied = bench.sync();
    assert_eq!(applied.revision, Revision(1));
    assert_eq!(applied.root, bench.local().root());
    assert_eq!(
        fs::read_link(bench.there().join("link")).unwrap(),
        Path::new("a/b")
    );
    assert_eq!(
        fs::metadata(bench.there().join("run.sh"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o750
    );
    fs::remove_dir_all(bench.here().join("a")).unwrap();
    fs::remove_file(bench.here().join("link")).unwrap();
    bench.sync();
    assert!(!bench.there().join("a/b").exists());
    assert_eq!(
        fs::read_to_string(bench.there().join("a/of-the-image")).unwrap(),
        "kept"
    );
    assert_eq!(bench.store.root(), bench.local().root());
}

#[test]
fn kinds_may_change_into_each_other() {
    let mut bench = Bench::new();
    bench.put("x/y/z", "deep");
    bench.put("f", "file");
    bench.sync();
    fs::remove_dir_all(bench.here().join("x")).unwrap();
    fs::remove_file(bench.here().join("f")).unwrap();
    bench.put("x", "now a file");
    bench.put("f/g", "now a folder");
    let applied = bench.sync();
    assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    assert_eq!(scanned(&bench.there()), scanned(&bench.here()));
    assert_eq!(applied.root, bench.local().root());
}

#[test]
fn a_path_that_cannot_be_written_is_refused_by_itself() {
    let mut bench = Bench::new();
    bench.put("a", "1");
    bench.put("b", "2");
    fs::create_dir_all(bench.there().join("a/of-the-image")).unwrap();
    let applied = bench.sync();
    assert_eq!(applied.refused.len(), 1);
    assert_ne!(applied.root, bench.local().root());
    assert_eq!(fs::read_to_string(bench.there().join("b")).unwrap(), "2");
}

#[test]
fn nothing_is_written_through_a_link_of_the_copy() {
    let mut bench = Bench::new();
    let outside = bench.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    bench.put("a/b", "1");
    bench.sync();
    fs::remove_dir_all(bench.there().join("a")).unwrap();
    symlink(&outside, bench.there().join("a")).unwrap();
    bench.put("a/c", "2");
    let batch = diff(&bench.local(), bench.store.manifest()).unwrap();
    let staged = bench.stage(&bench.bytes(&batch)).unwrap();
    let applied = bench.store.apply(&staged).unwrap();
    assert_eq!(applied.refused.len(), 1, "{:?}", applied.refused);
    assert!(!outside.join("c").exists());
}

#[test]
fn a_batch_for_other_content_is_refused() {
    let mut bench = Bench::new();
    bench.put("a", "1");
    let batch = diff(&bench.local(), bench.store.manifest()).unwrap();
    let bytes = bench.bytes(&batch);
    bench.sync();
    let staged = bench.stage(&bytes).unwrap();
    assert!(matches!(bench.store.apply(&staged), Err(ApplyError::Base { .. })));
}

#[test]
fn a_store_opened_again_knows_what_it_holds() {
    let mut bench = Bench::new();
    bench.put("a/b", "1");
    bench.sync();
    bench.put("c", "2");
    bench.sync();
    let again = Store::open(layout(bench.folder.path())).unwrap();
    assert_eq!(again.revision(), Revision(2));
    assert_eq!(again.root(), bench.local().root());
}

#[test]
fn a_death_in_the_middle_of_a_batch_is_found() {
    let mut bench = Bench::new();
    bench.put("a", "old");
    bench.put("gone", "x");
    bench.sync();
    let path = |text| Place {
        to: TO.to_owned(),
        path: RelPath::try_new(text).unwrap(),
    };
    bench
        .store
        .write(&Mark::Begin {
            places: vec![path("a"), path("new"), path("gone")],
        })
        .unwrap();
    fs::write(bench.there().join("a"), "new").unwrap();
    fs::write(bench.there().join("new"), "half").unwrap();
    fs::remove_file(bench.there().join("gone")).unwrap();
    let again = Store::open(layout(bench.folder.path())).unwrap();
    assert_eq!(
        again.manifest().roots[TO],
        scanned(&bench.there()),
        "the manifest says what the disk holds"
    );
    assert_eq!(again.revision(), Revision(1));
}

#[test]
fn a_change_made_in_the_copy_is_seen() {
    let mut bench = Bench::new();
    bench.put("a", "1");
    bench.sync();
    assert!(bench.store.look_at_all().is_empty());
    fs::write(bench.there().join("a"), "changed").unwrap();
    let drift = bench.store.look_at_changed();
    assert_eq!(drift.places().count(), 1);
    bench.store.adopt(&drift).unwrap();
    assert_ne!(bench.store.root(), bench.local().root());
    bench.sync();
    assert_eq!(fs::read_to_string(bench.there().join("a")).unwrap(), "1");
}

fn hostile(operations: &[Operation], content: &[u8], said: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(
        &mut bytes,
        &BatchHeader {
            base: RootHash(String::new()),
            operations: said,
        },
    )
    .unwrap();
    for operation in operations {
        write_frame(&mut bytes, operation).unwrap();
        bytes.extend(content);
    }
    bytes
}

fn place(to: &str, path: &str) -> Place {
    Place {
        to: to.to_owned(),
        path: RelPath::try_new(path).unwrap(),
    }
}

#[test]
fn hostile_batches_are_refused_and_leave_nothing() {
    let bench = Bench::new();
    let file = |size| Entry::File {
        size,
        hash: ContentHash::of(b"x"),
        mode: 0o644,
    };
    let link = |target: &str| Entry::Link {
        target: target.to_owned(),
    };
    let put = |to: &str, entry| Operation::Put {
        place: place(to, "p"),
        entry,
    };
    let end = |operations| Operation::End { operations };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("noise", vec![0xff; 64]),
        (
            "link to the root",
            hostile(&[put(TO, link("/etc")), end(1)], b"", 1),
        ),
        ("link upwards", hostile(&[put(TO, link("../x")), end(1)], b"", 1)),
        (
            "unknown root",
            hostile(&[put("/etc", Entry::Folder), end(1)], b"", 1),
        ),
        ("wrong hash", hostile(&[put(TO, file(1))], b"y", 1)),
        (
            "cut content",
            hostile(&[put(TO, file(1_000_000_000_000))], b"x", 1),
        ),
        ("no end", hostile(&[put(TO, Entry::Folder)], b"", 1)),
        (
            "fewer than said",
            hostile(&[put(TO, Entry::Folder), end(1)], b"", 2),
        ),
        (
            "more than said",
            hostile(&[put(TO, Entry::Folder), put(TO, Entry::Folder), end(2)], b"", 1),
        ),
        ("too many", hostile(&[], b"", u64::MAX)),
    ];
    for (name, bytes) in cases {
        assert!(bench.stage(&bytes).is_err(), "{name}");
    }
    assert_eq!(fs::read_dir(bench.store.stage_folder()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(bench.there()).unwrap().count(), 0);
}

#[test]
fn set_id_bits_do_not_come_through() {
    let mut bench = Bench::new();
    let entry = Entry::File {
        size: 0,
        hash: ContentHash::of(b""),
        mode: 0o6755,
    };
    let mut bytes = Vec::new();
    write_frame(
        &mut bytes,
        &BatchHeader {
            base: bench.store.root(),
            operations: 1,
        },
    )
    .unwrap();
    write_frame(
        &mut bytes,
        &Operation::Put {
            place: place(TO, "p"),
            entry,
        },
    )
    .unwrap();
    write_frame(&mut bytes, &Operation::End { operations: 1 }).unwrap();
    let staged = bench.stage(&bytes).unwrap();
    bench.store.apply(&staged).unwrap();
    assert_eq!(
        fs::metadata(bench.there().join("p"))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777,
        0o755
    );
}

#[derive(Debug, Clone)]
enum Edit {
    Write(String, String),
    Folder(String),
    Link(String, String),
    Remove(String),
    Mode(String, u32),
}

fn edit() -> impl Strategy<Value = Edit> {
    let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "c-d", "e f"]), 1..4)
        .prop_map(|names| names.join("/"));
    let mode = prop::sample::select(vec![0o644_u32, 0o755, 0o600]);
    prop_oneof![
        4 => (path.clone(), "[xyz]{0,3}").prop_map(|(path, text)| Edit::Write(path, text)),
        1 => path.clone().prop_map(Edit::Folder),
        1 => (path.clone(), "[abc]").prop_map(|(path, target)| Edit::Link(path, target)),
        2 => path.clone().prop_map(Edit::Remove),
        1 => (path, mode).prop_map(|(path, mode)| Edit::Mode(path, mode)),
    ]
}

fn make(root: &Path, edit: &Edit) {
    let clear = |path: &Path| {
        // An edit that meets another kind of entry replaces it, as an editor or git would.
        for folder in path.ancestors().take_while(|folder| *folder != root) {
            if fs::symlink_metadata(folder).is_ok_and(|there| !there.is_dir()) {
                fs::remove_file(folder).unwrap();
            }
        }
        let _ = fs::remove_dir_all(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    };
    match edit {
        Edit::Write(path, text) => {
            clear(&root.join(path));
            fs::write(root.join(path), text).unwrap();
        }
        Edit::Folder(path) => {
            clear(&root.join(path));
            fs::create_dir(root.join(path)).unwrap();
        }
        Edit::Link(path, target) => {
            clear(&root.join(path));
            symlink(target, root.join(path)).unwrap();
        }
        Edit::Remove(path) => {
            let path = root.join(path);
            if fs::symlink_metadata(&path).is_ok_and(|there| there.is_dir()) {
                fs::remove_dir_all(path).unwrap();
            } else {
                let _ = fs::remove_file(path);
            }
        }
        Edit::Mode(path, mode) => {
            let path = root.join(path);
            if fs::symlink_metadata(&path).is_ok_and(|there| there.is_file()) {
                fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_edits_arrive_whole(rounds in prop::collection::vec(prop::collection::vec(edit(), 1..8), 1..5)) {
        let mut bench = Bench::new();
        // One file stays, so that no round empties the root, which halts.
        bench.put("stays", "x");
        for edits in rounds {
            for edit in &edits {
                make(&bench.here(), edit);
            }
            let applied = bench.sync();
            prop_assert!(applied.refused.is_empty(), "{:?}", applied.refused);
            prop_assert_eq!(&applied.root, &bench.local().root());
            prop_assert_eq!(scanned(&bench.there()), scanned(&bench.here()));
            let again = Store::open(layout(bench.folder.path())).unwrap();
            prop_assert_eq!(again.root(), applied.root);
        }
    }
}
