use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::scan::{LocalTree, scan};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn write(root: &Path, path: &str, content: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, content).unwrap();
}

fn files(root: &Path, only: &[String]) -> BTreeSet<String> {
    let scanned = scan(&Rules::new(root, only), &LocalTree::default()).unwrap();
    let tree = scanned.tree.entries();
    tree.filter(|(_, entry)| !matches!(entry, crate::manifest::Entry::Folder))
        .map(|(path, _)| path.as_str().to_owned())
        .collect()
}

fn by_git(root: &Path) -> BTreeSet<String> {
    let listed = git(
        root,
        &["ls-files", "-z", "--others", "--cached", "--exclude-standard"],
    );
    listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The single-path matcher and the walk must agree, or a save would be treated unlike a scan.
fn assert_matcher_agrees(root: &Path, included: &BTreeSet<String>) {
    let mut matcher = Rules::new(root, &[]).matcher();
    for entry in WalkBuilder::new(root).standard_filters(false).build() {
        let entry = entry.unwrap();
        if entry.file_type().is_some_and(|kind| kind.is_file())
            && let Ok(path) = RelPath::below(root, entry.path())
        {
            assert_eq!(
                matcher.includes(&path, false),
                included.contains(path.as_str()),
                "{path}"
            );
        }
    }
}

#[test]
fn the_rules_are_those_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    write(
        root,
        ".gitignore",
        "*.log\n!keep.log\n/target/\nbuild\n**/gen/*.rs\ndoc/**/*.pdf\nspace\\ \n#c\n\\#hash\n",
    );
    write(root, "a/.gitignore", "!debug.log\nlocal/*\n!local/kept\n");
    write(root, ".git/info/exclude", "secret.txt\n");
    for path in [
        "x.log",
        "keep.log",
        "target/o",
        "a/target/o",
        "build",
        "b/build/x",
        "gen/a.rs",
        "c/gen/a.rs",
        "c/gen/a.txt",
        "doc/a/b.pdf",
        "doc/a.pdf",
        "a/debug.log",
        "debug.log",
        "a/local/x",
        "a/local/kept",
        "secret.txt",
        "a/secret.txt",
        "space ",
        "#hash",
        "#c",
        ".hidden/.x",
        ".env",
    ] {
        write(root, path, "x");
    }
    let ours = files(root, &[]);
    assert_eq!(ours, by_git(root));
    assert!(ours.contains("a/debug.log") && !ours.contains("secret.txt"));
    assert_matcher_agrees(root, &ours);
}

#[test]
fn a_root_below_the_top_obeys_the_files_above_it() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    write(folder.path(), ".gitignore", "*.tmp\n/services/a/skip/\n");
    let root = folder.path().join("services/a");
    for path in ["x.tmp", "x.rs", "skip/y"] {
        write(&root, path, "x");
    }
    let ours = files(&root, &[]);
    assert_eq!(ours, by_git(&root));
    assert_eq!(ours, BTreeSet::from(["x.rs".to_owned()]));
    assert_matcher_agrees(&root, &ours);
}

#[test]
fn a_root_that_git_ignores_holds_artefacts_and_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q"]);
    write(folder.path(), ".gitignore", "target\n*.jar\n");
    let root = folder.path().join("target/app");
    write(&root, "app.jar", "x");
    assert_eq!(files(&root, &[]), BTreeSet::from(["app.jar".to_owned()]));
}

#[test]
fn our_own_file_wins_over_git_and_only_narrows() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    write(root, ".gitignore", "generated/\n");
    write(root, IGNORE_FILE, "!generated/\n*.md\n");
    for path in [
        "generated/a",
        "README.md",
        "src/a",
        "crates/one/a",
        "crates/two/a",
        "srcs",
    ] {
        write(root, path, "x");
    }
    let all = files(root, &[]);
    assert!(all.contains("generated/a") && !all.contains("README.md"));
    let only = ["src".to_owned(), "./crates/one/".to_owned()];
    assert_eq!(
        files(root, &only),
        BTreeSet::from(["src/a".to_owned(), "crates/one/a".to_owned()])
    );
}

#[test]
fn without_git_the_files_below_the_root_still_hold() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), ".gitignore", "*\n");
    let root = folder.path().join("project");
    write(&root, ".gitignore", "*.log\n");
    write(&root, "a.log", "x");
    write(&root, "a.rs", "x");
    assert_eq!(
        files(&root, &[]),
        BTreeSet::from([".gitignore".to_owned(), "a.rs".to_owned()])
    );
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c.log", "d.rs", "target", "x y", ".e"]).prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    let base = prop::sample::select(vec![
        "a",
        "*.log",
        "target/",
        "/b",
        "a/b",
        "**/c.log",
        "a/**",
        "**/target/**",
        "?",
        "[ab]",
        "x y",
        "*",
        ".e",
        "b/*",
    ]);
    (any::<bool>(), base).prop_map(|(negated, base)| {
        if negated {
            format!("!{base}")
        } else {
            base.to_owned()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn generated_trees_are_read_as_git_reads_them(
        paths in prop::collection::vec(prop::collection::vec(name(), 1..4), 1..16),
        top in prop::collection::vec(pattern(), 0..5),
        nested in prop::collection::vec(pattern(), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "-q"]);
        for path in &paths {
            let place = root.join(path.join("/"));
            // A name may be a file on one path and a folder on another; the first wins.
            if fs::create_dir_all(place.parent().unwrap()).is_ok() && !place.is_dir() {
                let _ = fs::write(place, "x");
            }
        }
        fs::write(root.join(".gitignore"), top.join("\n") + "\n").unwrap();
        if root.join("a").is_dir() {
            fs::write(root.join("a/.gitignore"), nested.join("\n") + "\n").unwrap();
        }
        let ours = files(root, &[]);
        prop_assert_eq!(&ours, &by_git(root));
        assert_matcher_agrees(root, &ours);
    }
}
