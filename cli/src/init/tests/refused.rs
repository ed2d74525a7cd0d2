//! Folders for which nothing is written.

use super::*;

fn refused(files: &[(&str, &str)]) -> LookError {
    look(&Memory::new("shop/web", files), false).unwrap_err()
}

#[test]
fn an_empty_folder_is_empty_also_with_a_repository_in_it() {
    assert!(matches!(refused(&[]), LookError::Empty));
    assert!(matches!(refused(&[(".git/HEAD", "")]), LookError::Empty));
}

#[test]
fn the_root_of_several_services_names_them() {
    let error = refused(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"services/*\", \"crates/*\"]",
        ),
        ("services/a/Cargo.toml", "[package]\nname = \"a\""),
        ("services/a/src/main.rs", ""),
        ("crates/common/Cargo.toml", "[package]\nname = \"common\""),
        ("crates/common/src/lib.rs", ""),
        ("services/b/go.mod", "module b\n"),
        ("services/b/main.go", "package main\n"),
        ("web/package.json", r#"{"scripts": {"start": "node x.js"}}"#),
        (
            "node_modules/x/package.json",
            r#"{"scripts": {"start": "node x.js"}}"#,
        ),
        ("docs/README.md", ""),
    ]);
    let LookError::Several(below) = error else {
        panic!("{error:?}");
    };
    assert_eq!(below, ["services/a", "services/b", "web"]);
}

#[test]
fn a_root_of_node_workspaces_is_no_service() {
    let error = refused(&[
        (
            "package.json",
            r#"{"workspaces": ["apps/*"], "scripts": {"dev": "turbo dev"}}"#,
        ),
        ("apps/a/package.json", r#"{"scripts": {"start": "node x.js"}}"#),
    ]);
    assert!(matches!(error, LookError::Several(below) if below == ["apps/a"]));
}

#[test]
fn a_manifest_that_cannot_be_understood_is_named() {
    for (file, text) in [
        ("Cargo.toml", "[package"),
        ("package.json", "{"),
        ("go.mod", "go 1.22\n"),
        ("pom.xml", "<project>"),
        ("pyproject.toml", "x = ="),
        ("app.csproj", "<Project"),
    ] {
        let error = refused(&[(file, text), ("main.py", "")]);
        let LookError::Detect(error) = error else {
            panic!("{file}: {error:?}");
        };
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("{file} cannot be understood: ")),
            "{message}"
        );
    }
}
