//! The package manager, by the lock file, here or at the root of the workspaces.

use super::read;
use crate::init::draft::words;
use crate::init::error::DetectError;
use crate::init::lang::Context;

/// How packages are installed.
pub(super) struct Manager {
    /// The program: `npm`.
    pub(super) name: &'static str,
    /// Whether it is npm.
    pub(super) npm: bool,
    /// The command.
    pub(super) install: Vec<String>,
    /// The file that it installs from.
    pub(super) input: &'static str,
    /// Paths whose change makes an installation due.
    pub(super) when: Vec<String>,
    /// Where the command comes from.
    pub(super) why: String,
    /// Its own cache in an image that runs as root.
    pub(super) cache: &'static str,
    /// The folder that holds the lock file, relative to the package: `.` or `../..`.
    pub(super) root: String,
    /// The package, relative to that folder: empty, or `services/package/`.
    pub(super) member: String,
}

/// How many folders up workspaces are looked for.
const HIGHEST: usize = 4;

type Lock = (&'static str, &'static str, &'static [&'static str], &'static str);

/// Lock file, program, its arguments, its cache. What only development needs is installed whatever NODE_ENV says:
/// compilers and loaders stand there.
const LOCKS: [Lock; 6] = [
    ("package-lock.json", "npm", &["ci", "--include=dev"], "/root/.npm"),
    (
        "npm-shrinkwrap.json",
        "npm",
        &["ci", "--include=dev"],
        "/root/.npm",
    ),
    (
        "pnpm-lock.yaml",
        "pnpm",
        &["install", "--frozen-lockfile", "--prod=false"],
        "/root/.local/share/pnpm",
    ),
    (
        "yarn.lock",
        "yarn",
        &["install", "--frozen-lockfile", "--production=false"],
        "/usr/local/share/.cache",
    ),
    ("bun.lock", "bun", &["install", "--frozen-lockfile"], "/root/.bun"),
    (
        "bun.lockb",
        "bun",
        &["install", "--frozen-lockfile"],
        "/root/.bun",
    ),
];

/// The package manager of the folder.
pub(super) fn manager(cx: &Context<'_>) -> Result<Manager, DetectError> {
    if let Some(manager) = of_lock(cx, ".", String::new()) {
        return Ok(manager);
    }
    for height in 1..=HIGHEST {
        let root = vec![".."; height].join("/");
        let workspaces = cx.files.has(&format!("{root}/pnpm-workspace.yaml"))
            || read(cx, &format!("{root}/package.json"))?
                .is_some_and(|package| package.json.get("workspaces").is_some());
        if workspaces
            && let Some(member) = cx.files.below(height)
            && let Some(manager) = of_lock(cx, &root, format!("{member}/"))
        {
            return Ok(manager);
        }
    }
    Ok(Manager {
        name: "npm",
        npm: true,
        install: words(&["npm", "install", "--include=dev", "--no-audit", "--no-fund"]),
        input: "package.json",
        when: words(&["package.json"]),
        why: "package.json; there is no lock file".to_owned(),
        cache: "/root/.npm",
        root: ".".to_owned(),
        member: String::new(),
    })
}

fn of_lock(cx: &Context<'_>, root: &str, member: String) -> Option<Manager> {
    let (lock, name, arguments, cache) = LOCKS
        .into_iter()
        .find(|(lock, ..)| cx.files.has(&format!("{root}/{lock}")))?;
    // Yarn from version 2 on names the same wish otherwise.
    let berry = name == "yarn" && cx.files.has(&format!("{root}/.yarnrc.yml"));
    let arguments: &[&str] = if berry {
        &["install", "--immutable"]
    } else {
        arguments
    };
    let mut install = vec![name.to_owned()];
    install.extend(words(arguments));
    Some(Manager {
        name,
        npm: name == "npm",
        install,
        input: lock,
        when: words(&[lock]),
        why: lock.to_owned(),
        cache,
        root: root.to_owned(),
        member,
    })
}
