//! `devspace init` as it is typed, in folders of their own, with no cluster and no local engine.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;

/// A folder `shop` with a repository in it, and a configuration of its own.
struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = Self { root };
        std::fs::create_dir_all(folder.path("shop/.git")).unwrap();
        for (path, text) in files {
            let path = folder.path("shop").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path("shop").join(path)).unwrap()
    }

    fn command(&self, at: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_devspace"));
        command
            .current_dir(self.path("shop").join(at))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("KUBECONFIG", self.path("no-kubeconfig"))
            .env("DEVSPACE_LOCAL_STATE", self.path("state"))
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env_remove("DEVSPACE_CONTEXT")
            .env_remove("DEVSPACE_ENGINE")
            .env_remove("DEVSPACE_BASELINE");
        command
    }

    /// Standard output, standard error and the code, without the temporary folder's name.
    fn init(&self, at: &str, arguments: &[&str]) -> String {
        let output = self.command(at).arg("init").args(arguments).output().unwrap();
        self.shown(&output)
    }

    fn shown(&self, output: &Output) -> String {
        let real = self.root.path().canonicalize().unwrap();
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .replace(&real.display().to_string(), "/tmp")
                .replace(&self.root.path().display().to_string(), "/tmp")
        };
        format!(
            "{}--- stderr\n{}--- exit {}",
            text(&output.stdout),
            text(&output.stderr),
            output.status.code().unwrap()
        )
    }
}

const GO: [(&str, &str); 2] = [
    ("package/go.mod", "module example.com/package\n\ngo 1.24\n"),
    (
        "package/main.go",
        "package main\n\nfunc main() { http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil) }\n",
    ),
];

fn go_and(more: &[(&'static str, &'static str)]) -> Folder {
    let files: Vec<_> = GO.iter().chain(more).copied().collect();
    Folder::new(&files)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[test]
fn a_service_gets_its_file_and_is_told_what_was_not_checked() {
    let folder = go_and(&[("package/Dockerfile", "EXPOSE 8080\n")]);
    assert_snapshot!(folder.init("package", &[]));
    assert!(
        folder
            .text("package/devspace.yaml")
            .contains("\nservice: package\n")
    );
    assert!(!exists(&folder.path("shop/devspace.yaml")), "nobody agreed to it");
}

#[test]
fn the_printed_events_are_json_where_asked_for() {
    let folder = go_and(&[]);
    let output = folder
        .command("")
        .args(["init", "package", "--output", "json"])
        .output()
        .unwrap();
    assert!(output.stderr.is_empty());
    let events: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["event"].as_str().unwrap().to_owned()
        })
        .collect();
    // The warnings: the name was not checked, no port was found, nothing to copy from.
    assert_eq!(
        events,
        ["found", "found", "warning", "warning", "warning", "wrote", "next"]
    );
}

#[test]
fn a_workspace_above_gets_the_service_and_keeps_its_comments() {
    let folder = go_and(&[(
        "devspace.yaml",
        "devspace: 1\nworkspace:\n  name: shop # ours\n  services:\n    - delivery\n",
    )]);
    assert_snapshot!(folder.init("package", &["--yes"]));
    assert_eq!(
        folder.text("devspace.yaml"),
        "devspace: 1\nworkspace:\n  name: shop # ours\n  services:\n    - delivery\n    - package\n"
    );
    let again = folder.init("package", &["--yes", "--force"]);
    assert!(again.contains("replaced devspace.yaml\n"), "{again}");
    assert!(!again.contains("../devspace.yaml"), "it is listed: {again}");
}

#[test]
fn without_a_workspace_one_is_made_at_the_root_of_the_repository() {
    let folder = go_and(&[]);
    assert!(folder.init("package", &["--yes"]).ends_with("--- exit 0"));
    assert_snapshot!(folder.text("devspace.yaml"));
}

#[test]
fn a_service_that_is_its_own_repository_is_its_own_workspace() {
    let folder = Folder::new(&[("go.mod", GO[0].1), ("main.go", GO[1].1)]);
    assert!(folder.init("", &["--yes"]).ends_with("--- exit 0"));
    let text = folder.text("devspace.yaml");
    assert!(
        text.contains("\nworkspace: {name: shop, services: [.]}\n"),
        "{text}"
    );
}

#[test]
fn files_for_vscode_are_written_and_the_developers_own_are_left() {
    let folder = Folder::new(&[
        ("web/package.json", r#"{"name": "web", "main": "index.js"}"#),
        ("web/index.js", "server.listen(process.env.PORT || 3000)"),
        ("web/.vscode/settings.json", "{\n  // mine\n}\n"),
    ]);
    assert_snapshot!(folder.init("web", &["--vscode"]));
    assert_eq!(folder.text("web/.vscode/settings.json"), "{\n  // mine\n}\n");
    assert_snapshot!("tasks", folder.text("web/.vscode/tasks.json"));
    assert_snapshot!("launch", folder.text("web/.vscode/launch.json"));
    let schema: serde_json::Value =
        serde_json::from_str(&folder.text("web/.vscode/devspace.schema.json")).unwrap();
    assert_eq!(schema["title"], "devspace.yaml");
    assert!(
        folder
            .text("web/devspace.yaml")
            .starts_with("# yaml-language-server: $schema=.vscode/devspace.schema.json\n")
    );
    assert_eq!(
        folder.text("web/.devspaceignore").lines().last(),
        Some("node_modules/")
    );
}

#[test]
fn what_is_there_already_stays() {
    let folder = go_and(&[("package/devspace.yaml", "devspace: 1\nservice: mine\n")]);
    assert_snapshot!(folder.init("package", &[]));
    assert_eq!(
        folder.text("package/devspace.yaml"),
        "devspace: 1\nservice: mine\n"
    );
    assert!(folder.init("package", &["--force"]).ends_with("--- exit 0"));
    assert!(
        folder
            .text("package/devspace.yaml")
            .contains("\nservice: package\n")
    );
}

#[test]
fn a_file_of_the_other_tool_is_never_overwritten() {
    let folder = go_and(&[("package/devspace.yaml", "version: v2beta1\nname: x\n")]);
    assert_snapshot!(folder.init("package", &["--force"]));
    assert_eq!(
        folder.text("package/devspace.yaml"),
        "version: v2beta1\nname: x\n"
    );
}

#[test]
fn folders_for_which_nothing_can_be_written() {
    let folder = Folder::new(&[
        ("root/a/go.mod", "module a\n"),
        ("root/a/main.go", "package main\n"),
        ("root/b/Dockerfile", "FROM scratch\n"),
        ("root/README.md", ""),
        ("broken/Cargo.toml", "[package\n"),
        ("empty/.gitkeep", ""),
    ]);
    assert_snapshot!("root_of_several", folder.init("root", &[]));
    assert_snapshot!("broken_manifest", folder.init("broken", &[]));
    assert_snapshot!("empty_folder", folder.init("empty", &[]));
    assert_snapshot!("no_folder", folder.init("", &["none"]));
    assert_snapshot!("no_name", folder.init("", &["root/a", "--service", "No Name"]));
    assert!(!exists(&folder.path("shop/root/devspace.yaml")));
    assert!(!exists(&folder.path("shop/root/a/devspace.yaml")));
}
