//! Files for VS Code: a background task that runs `devspace up`, a way to attach a debugger, and the schema.

use serde_json::{Value, json};

use super::draft::{Draft, Language};

/// The folder.
pub(crate) const FOLDER: &str = ".vscode";
/// The schema of `devspace.yaml`, relative to the service's folder.
pub(crate) const SCHEMA: &str = ".vscode/devspace.schema.json";
/// The task's name, which `launch.json` starts first.
const TASK: &str = "devspace: up";

/// What `devspace up` prints while requests are not answered by the newest save: the copy is on its way, or a save broke it.
const BEGINS: &str =
    r"^(?:space \S+ created|\S+: (?:build failed|program ended|sync halted|connection to the copy lost))";
/// What it prints once they are.
const ENDS: &str = r"^(?:\S+ in \S+: .*\brouted\b|\S+: (?:saved → )?live at r\d+)";
/// A place in a compiler's message, as `up` prints it, four spaces in: rustc, tsc, go, javac and dotnet.
const PLACE: &str = r"^ {4,}(?:--> |\[ERROR\] )?(?:\./)?([^\s:(\[]+\.\w+)[:(\[]+(\d+)[,:](\d+)";

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EditorFile {
    /// Its path.
    pub(crate) path: &'static str,
    /// Its text.
    pub(crate) text: String,
    /// Whether it is made by us alone, so that an older one may be replaced.
    pub(crate) ours: bool,
}

/// All files; `launch.json` only for languages whose debugger attaches by a port. `local` is the folder that stands for
/// `/` of a copy on the local engine.
pub(crate) fn files(draft: &Draft, schema: &Value, local: Option<&str>) -> Vec<EditorFile> {
    let file = |path, value: &Value, ours| EditorFile {
        path,
        text: format!("{value:#}\n"),
        ours,
    };
    let mut files = vec![
        file(".vscode/tasks.json", &tasks(), false),
        file(".vscode/settings.json", &settings(), false),
        file(SCHEMA, schema, true),
    ];
    if let Some(launch) = launch(draft, local) {
        files.insert(1, file(".vscode/launch.json", &launch, false));
    }
    files
}

fn tasks() -> Value {
    json!({
        "version": "2.0.0",
        "tasks": [{
            "label": TASK,
            "detail": "Run this folder in your space and follow it",
            "type": "process",
            "command": "devspace",
            "args": ["up"],
            "options": { "cwd": "${workspaceFolder}" },
            "isBackground": true,
            "presentation": { "reveal": "always", "panel": "dedicated" },
            "problemMatcher": {
                "owner": "devspace",
                "source": "devspace",
                "fileLocation": ["relative", "${workspaceFolder}"],
                "pattern": { "regexp": PLACE, "file": 1, "line": 2, "column": 3 },
                "background": { "activeOnStart": true, "beginsPattern": BEGINS, "endsPattern": ENDS }
            }
        }]
    })
}

fn settings() -> Value {
    json!({ "yaml.schemas": { format!("./{SCHEMA}"): ["devspace.yaml"] } })
}

/// The configurations that attach. `None` where the language has none that goes over a port.
/// A debugger finds files by their place in the copy, which is another one on the local engine.
fn launch(draft: &Draft, local: Option<&str>) -> Option<Value> {
    let there = &draft.to.value;
    let Some(local) = local.filter(|_| draft.language != Language::Jvm) else {
        let only = attach(draft, "devspace: attach", there)?;
        return Some(json!({ "version": "0.2.0", "configurations": [only] }));
    };
    let configurations = [
        attach(draft, "devspace: attach", &format!("{local}{there}"))?,
        attach(draft, "devspace: attach in a cluster", there)?,
    ];
    let space =
        json!({ "id": "space", "type": "promptString", "description": "Space, as `devspace up` names it" });
    Some(json!({ "version": "0.2.0", "configurations": configurations, "inputs": [space] }))
}

/// Attaches to a program whose files stand in `there`.
fn attach(draft: &Draft, name: &str, there: &str) -> Option<Value> {
    let port = draft.debug.as_ref().map(|debug| debug.value);
    let here = match draft.sync.from.as_str() {
        "." => "${workspaceFolder}".to_owned(),
        from => format!("${{workspaceFolder}}/{from}"),
    };
    let mut attach = match draft.language {
        Language::Node => json!({
            "type": "node",
            "address": "127.0.0.1",
            "port": port?,
            "localRoot": here,
            "remoteRoot": there,
            // A restart of the program ends the debugger's connection; it comes back by itself.
            "restart": true,
            "skipFiles": ["<node_internals>/**"]
        }),
        Language::Python => json!({
            "type": "debugpy",
            "connect": { "host": "127.0.0.1", "port": port? },
            "pathMappings": [{ "localRoot": here, "remoteRoot": there }]
        }),
        Language::Go => json!({
            "type": "go",
            "mode": "remote",
            "host": "127.0.0.1",
            "port": port?,
            "substitutePath": [{ "from": here, "to": there }]
        }),
        Language::Jvm => json!({ "type": "java", "hostName": "127.0.0.1", "port": port? }),
        Language::Rust | Language::Dotnet | Language::Unknown => return None,
    };
    let fields = attach.as_object_mut()?;
    fields.insert("name".to_owned(), name.into());
    fields.insert("request".to_owned(), "attach".into());
    fields.insert("preLaunchTask".to_owned(), TASK.into());
    Some(attach)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// What `devspace up` really prints on a pipe, as the printer's own test holds it.
    const PRINTED: &str = include_str!("../printer/snapshots/devspace__printer__tests__plain.snap");

    fn matching(pattern: &str) -> Vec<&'static str> {
        let pattern = Regex::new(pattern).unwrap();
        PRINTED.lines().filter(|line| pattern.is_match(line)).collect()
    }

    #[test]
    fn the_patterns_fit_what_up_prints() {
        assert_eq!(
            matching(BEGINS),
            [
                "space red created on baseline shop in 0.41s (name from `--space`)",
                "package: build failed (exit code 101)",
                "package: program ended (signal 9, again and again)",
                "package: connection to the copy lost (the pod is gone), connecting again",
            ]
        );
        assert_eq!(
            matching(ENDS),
            [
                "package in red: pod 1.4s, synced 214 files, built 6.2s, routed (8.1s)",
                "package: saved → live at r42 in 0.31 s",
            ]
        );
    }

    #[test]
    fn places_in_messages_of_compilers_are_found() {
        let pattern = Regex::new(PLACE).unwrap();
        for (line, expected) in [
            ("      --> src/main.rs:12:5", ("src/main.rs", "12", "5")),
            ("    src/main.ts(3,7): error TS2304: x", ("src/main.ts", "3", "7")),
            ("    ./main.go:10:2: undefined: x", ("main.go", "10", "2")),
            (
                "    [ERROR] src/main/java/App.java:[7,9] ';' expected",
                ("src/main/java/App.java", "7", "9"),
            ),
        ] {
            let found = pattern.captures(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((&found[1], &found[2], &found[3]), expected, "{line}");
        }
        assert!(!pattern.is_match("package | GET /a.b:1:2"));
    }

    #[test]
    fn on_the_local_engine_a_debugger_looks_into_the_copys_folder() {
        let files = [("package.json", r#"{"main": "a.js"}"#), ("a.js", "")];
        let files = crate::init::files::memory::Memory::new("shop/web", &files);
        let draft = crate::init::look(&files, true).unwrap().draft;
        let launch = launch(&draft, Some("/state/${input:space}/root")).unwrap();
        let roots: Vec<&Value> = launch["configurations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|configuration| &configuration["remoteRoot"])
            .collect();
        assert_eq!(roots, ["/state/${input:space}/root/app", "/app"]);
        assert_eq!(launch["inputs"][0]["id"], "space");
    }
}
