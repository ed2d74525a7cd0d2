use std::os::unix::fs::symlink;

use super::*;

fn rules(root: &Path) -> Rules {
    Rules::new(root, &[])
}

#[test]
fn a_same_size_change_within_one_tick_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, "one").unwrap();
    let first = scan(&rules(folder.path()), &LocalTree::default()).unwrap().tree;
    let stamp = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "two").unwrap();
    // The editor or tool puts the old time back; the size is the same.
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(stamp)
        .unwrap();
    let second = scan(&rules(folder.path()), &first).unwrap().tree;
    assert_ne!(first.get("a"), second.get("a"));
}

#[test]
fn an_old_unchanged_file_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, "one").unwrap();
    let mut tree = scan(&rules(folder.path()), &LocalTree::default()).unwrap().tree;
    let known = tree.entries.get_mut("a").unwrap();
    known.racy = false;
    known.entry = Entry::Folder;
    let again = scan(&rules(folder.path()), &tree).unwrap().tree;
    assert_eq!(
        again.get("a"),
        Some(&Entry::Folder),
        "the remembered entry is taken over"
    );
}

#[test]
fn links_that_leave_and_pipes_are_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/etc/passwd", folder.path().join("out")).unwrap();
    symlink("inside", folder.path().join("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let scanned = scan(&rules(folder.path()), &LocalTree::default()).unwrap();
    assert_eq!(scanned.tree.entries().count(), 1);
    assert_eq!(
        scanned.tree.get("dangling"),
        Some(&Entry::Link {
            target: "inside".into()
        })
    );
    assert_eq!(scanned.warnings.len(), 2, "{:?}", scanned.warnings);
}

#[test]
fn a_refresh_sees_what_a_scan_sees() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/b/x"), "1").unwrap();
    fs::write(root.join(".gitignore"), "skip\n").unwrap();
    let rules = rules(root);
    let mut tree = scan(&rules, &LocalTree::default()).unwrap().tree;
    let mut matcher = rules.matcher();
    fs::write(root.join("a/b/x"), "2").unwrap();
    fs::create_dir_all(root.join("c/d")).unwrap();
    fs::write(root.join("c/d/y"), "3").unwrap();
    fs::write(root.join("c/skip"), "4").unwrap();
    for path in ["a/b/x", "c", "c/skip"] {
        refresh(&rules, &mut matcher, &mut tree, &RelPath::try_new(path).unwrap()).unwrap();
    }
    assert_eq!(
        tree.to_tree(),
        scan(&rules, &LocalTree::default()).unwrap().tree.to_tree()
    );
    fs::remove_dir_all(root.join("a")).unwrap();
    refresh(&rules, &mut matcher, &mut tree, &RelPath::try_new("a").unwrap()).unwrap();
    assert_eq!(
        tree.to_tree(),
        scan(&rules, &LocalTree::default()).unwrap().tree.to_tree()
    );
}

#[test]
fn a_vanished_root_is_an_error_and_not_an_empty_tree() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("gone");
    assert!(matches!(
        scan(&rules(&root), &LocalTree::default()),
        Err(ScanError::RootGone(_))
    ));
}
