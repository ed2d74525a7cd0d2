//! The Cargo workspace above a package, and what of it a build of the package needs.

use toml::{Table, Value};

use super::{Context, paths, table};
use crate::init::error::DetectError;

/// How many folders up a workspace is looked for.
const HIGHEST: usize = 5;
/// Files of a workspace's root that a build reads.
const ROOT_FILES: [&str; 5] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "rust-toolchain",
    "build.rs",
];
/// Folders of a workspace's root that a build reads.
const ROOT_FOLDERS: [&str; 2] = [".cargo", "vendor"];

/// A workspace above the folder.
pub(super) struct Workspace {
    /// Its root, relative to the folder: `../..`.
    pub(super) root: String,
    /// The folder, relative to the root: `services/delivery`.
    pub(super) member: String,
    manifest: Table,
}

/// The nearest workspace above the folder that does not leave it out.
pub(super) fn find(cx: &Context<'_>) -> Result<Option<Workspace>, DetectError> {
    let own = table(cx, "Cargo.toml")?;
    if own.is_some_and(|own| own.contains_key("workspace")) {
        return Ok(None);
    }
    for height in 1..=HIGHEST {
        let root = vec![".."; height].join("/");
        let Some(member) = cx.files.below(height) else {
            return Ok(None);
        };
        let manifest = table(cx, &format!("{root}/Cargo.toml"))?;
        if let Some(manifest) = manifest.filter(|manifest| manifest.contains_key("workspace")) {
            let left_out = list(&manifest, "exclude")
                .iter()
                .any(|path| member == *path || member.starts_with(&format!("{path}/")));
            return Ok((!left_out).then_some(Workspace {
                root,
                member,
                manifest,
            }));
        }
    }
    Ok(None)
}

/// Paths below the root that a build of the member reads: the root's files, every member that is named without a glob
/// (Cargo refuses a workspace that lacks one), and the packages that the member depends on by path.
pub(super) fn needed(
    cx: &Context<'_>,
    workspace: &Workspace,
    manifest: &Table,
) -> Result<Vec<String>, DetectError> {
    let at_root = |name: &str| format!("{}/{name}", workspace.root);
    let mut found: Vec<String> = ROOT_FILES
        .iter()
        .filter(|name| cx.files.has(&at_root(name)))
        .chain(
            ROOT_FOLDERS
                .iter()
                .filter(|name| cx.files.has_folder(&at_root(name))),
        )
        .map(|name| (*name).to_owned())
        .collect();
    let mut members: Vec<String> = list(&workspace.manifest, "members")
        .into_iter()
        .filter(|member| !member.contains(['*', '?', '[']))
        .collect();
    members.push(workspace.member.clone());
    let shared = workspace
        .manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    members.extend(paths(manifest, shared, &workspace.member));
    let mut seen: Vec<String> = Vec::new();
    while let Some(member) = members.pop() {
        if member == "." || seen.contains(&member) {
            continue;
        }
        if let Some(manifest) = table(cx, &at_root(&format!("{member}/Cargo.toml")))? {
            members.extend(paths(&manifest, shared, &member));
        }
        seen.push(member);
    }
    seen.sort();
    // A folder in a folder that is synced is synced with it.
    let inner = |path: &String| {
        seen.iter()
            .any(|outer| path != outer && path.starts_with(&format!("{outer}/")))
    };
    found.extend(seen.iter().filter(|path| !inner(path)).cloned());
    Ok(found)
}

/// A list of paths in `[workspace]`.
fn list(manifest: &Table, key: &str) -> Vec<String> {
    manifest
        .get("workspace")
        .and_then(|workspace| workspace.get(key))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|path| path.trim_start_matches("./").trim_end_matches('/').to_owned())
        .collect()
}

/// A path below the root without `.` and `..`; `None` if it leaves the root.
pub(super) fn tidy(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
