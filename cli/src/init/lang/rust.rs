//! Rust, by `Cargo.toml`: the package, its program, and the workspace that it belongs to.

use toml::{Table, Value};

use super::Context;
use crate::init::draft::{Build, Draft, Language, Said, SyncFrom, words};
use crate::init::error::DetectError;
use crate::init::files::join;
use crate::init::listening::{Listening, fixed, pass_port};

mod workspace;

use workspace::Workspace;

/// Where the sources stand where no Dockerfile says otherwise.
const USUAL_FOLDER: &str = "/src";
/// Frameworks by their crate.
const FRAMEWORKS: [&str; 9] = [
    "axum",
    "actix-web",
    "rocket",
    "warp",
    "poem",
    "salvo",
    "tonic",
    "tide",
    "hyper",
];
/// Folders whose files are often compiled in.
const COMPILED_IN: [&str; 5] = ["migrations", "templates", "proto", "static", "queries"];

/// A folder with a package. A workspace alone is no service.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(manifest) = table(cx, "Cargo.toml")? else {
        return Ok(None);
    };
    let Some(package) = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
    else {
        return Ok(None);
    };
    let Some(program) = program(cx, &manifest, package) else {
        return Ok(None);
    };
    let mut draft = cx.draft(Language::Rust, USUAL_FOLDER);
    let framework = FRAMEWORKS.iter().copied().find(|name| depends(&manifest, name));
    if let Some(framework) = framework {
        draft.title = format!("Rust, {framework}");
    }
    draft
        .names
        .push(Said::new(package.to_owned(), "the package of Cargo.toml"));
    let to = draft.to.value.clone();
    let workspace = workspace::find(cx)?;
    draft.sync = sync(cx, workspace.as_ref(), &manifest)?;
    draft.cache = vec![format!("{to}/target"), "/usr/local/cargo/registry".to_owned()];
    let mut run = words(&["cargo", "build", "--target-dir"]);
    run.push(format!("{to}/target"));
    if workspace.is_some() {
        run.extend(words(&["--package", package]));
    }
    run.extend(words(&["--bin", &program]));
    draft.build = Some(Build {
        run,
        when: inputs(cx),
        why: "Cargo.toml; the target folder is a cache".to_owned(),
    });
    draft.run = Some(Said::new(
        vec![format!("{to}/target/debug/{program}")],
        "the program of Cargo.toml",
    ));
    draft.hold = Some("60s");
    draft.image = cx.image(&["rust"], "rust:1-bookworm");
    draft.made = vec!["target"];
    port(cx, &mut draft, framework);
    Ok(Some(draft))
}

fn port(cx: &Context<'_>, draft: &mut Draft, framework: Option<&str>) {
    let found: Listening = cx.listening(&[".rs", "Rocket.toml"]);
    if framework == Some("rocket") {
        draft.port = cx.port(&found, Some(Said::new(8000, "the default of Rocket")));
        draft.set("ROCKET_PORT", "${port}", "Rocket reads it");
        draft.set(
            "ROCKET_ADDRESS",
            "0.0.0.0",
            "Rocket listens on loopback alone without it",
        );
        return;
    }
    draft.port = cx.port(&found, None);
    if !pass_port(draft, &found) {
        draft.set("PORT", "${port}", "the usual variable");
        draft.notes.push(fixed(&found));
    }
}

/// What a change of makes a build due.
fn inputs(cx: &Context<'_>) -> Vec<String> {
    let mut globs = words(&["**/*.rs", "**/Cargo.*"]);
    let folders = COMPILED_IN
        .iter()
        .filter(|folder| cx.files.has_folder(folder))
        .map(|folder| format!("**/{folder}/**"));
    globs.extend(folders);
    globs
}

/// The program's name: `default-run`, the only one, the one named as the package or the folder, else the first.
fn program(cx: &Context<'_>, manifest: &Table, package: &str) -> Option<String> {
    let default = manifest
        .get("package")
        .and_then(|package| package.get("default-run"))
        .and_then(Value::as_str);
    if let Some(name) = default {
        return Some(name.to_owned());
    }
    let mut names: Vec<String> = manifest
        .get("bin")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|bin| bin.get("name").and_then(Value::as_str))
        .map(str::to_owned)
        .collect();
    if cx.files.has("src/main.rs") && !names.iter().any(|name| name == package) && names.is_empty() {
        names.push(package.to_owned());
    }
    for entry in cx.files.list("src/bin") {
        let name = entry.trim_end_matches('/').trim_end_matches(".rs").to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .iter()
        .find(|name| *name == package || *name == cx.folder)
        .or(names.first())
        .cloned()
}

/// The folder itself, or what of its workspace it is built from.
fn sync(cx: &Context<'_>, workspace: Option<&Workspace>, manifest: &Table) -> Result<SyncFrom, DetectError> {
    match workspace {
        Some(workspace) => Ok(SyncFrom {
            from: workspace.root.clone(),
            only: workspace::needed(cx, workspace, manifest)?,
        }),
        None => Ok(SyncFrom {
            from: ".".to_owned(),
            only: Vec::new(),
        }),
    }
}

/// The manifest at `path`.
fn table(cx: &Context<'_>, path: &str) -> Result<Option<Table>, DetectError> {
    let Some(text) = cx.manifest(path)? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error: toml::de::Error| DetectError::Manifest {
            file: path.to_owned(),
            reason: error.message().to_owned(),
        })
}

fn depends(manifest: &Table, name: &str) -> bool {
    manifest
        .get("dependencies")
        .is_some_and(|dependencies| dependencies.get(name).is_some())
}

/// The folders of path dependencies, relative to the workspace's root, for a manifest in `folder` below it.
fn paths(manifest: &Table, shared: Option<&Value>, folder: &str) -> Vec<String> {
    let tables = ["dependencies", "build-dependencies", "dev-dependencies"];
    let mut found = Vec::new();
    for (name, dependency) in tables
        .iter()
        .filter_map(|table| manifest.get(*table))
        .filter_map(Value::as_table)
        .flatten()
    {
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            found.extend(workspace::tidy(&join(folder, path)));
        } else if dependency.get("workspace").is_some() {
            let path = shared
                .and_then(|shared| shared.get(name))
                .and_then(|dependency| dependency.get("path"))
                .and_then(Value::as_str);
            found.extend(path.and_then(workspace::tidy));
        }
    }
    found
}
