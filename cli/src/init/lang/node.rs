//! Node and TypeScript, by `package.json`: package manager by lock file, program by framework and scripts.

use serde_json::Value;

use super::Context;
use crate::init::draft::{Build, Draft, Language, Said, SyncFrom, words};
use crate::init::error::DetectError;
use crate::init::listening::{fixed, pass_port};

mod manager;
mod program;

use manager::{Manager, manager};
use program::{Program, program};

/// The inspector's usual port.
const DEBUG: u16 = 9229;

/// A `package.json` as far as `init` reads it.
pub(super) struct Package {
    json: Value,
}

/// A folder with a package that can be started.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(package) = read(cx, "package.json")? else {
        return Ok(None);
    };
    let manager = manager(cx)?;
    let Some(program) = program(cx, &package, &manager) else {
        return Ok(None);
    };
    let mut draft = cx.draft(Language::Node, "/app");
    draft.title = program.title.clone();
    if let Some(name) = package.text("name") {
        // `@shop/package` is the package `package` of the scope `shop`.
        let name = name.rsplit('/').next().unwrap_or(name);
        draft
            .names
            .push(Said::new(name.to_owned(), "the name in package.json"));
    }
    let to = draft.to.value.clone();
    draft.sync = SyncFrom {
        from: manager.root.clone(),
        only: Vec::new(),
    };
    draft.cache = vec![format!("{to}/node_modules"), manager.cache.to_owned()];
    if cx.is_unprivileged() && manager.npm {
        draft.set(
            "npm_config_cache",
            format!("{to}/node_modules/.cache/npm"),
            "the image's user may have no home folder",
        );
    }
    draft.build = Some(build(&manager, &program));
    draft.image = Some(image(cx, &package));
    draft.made = vec!["node_modules"];
    draft.debug = program.debug.then(|| Said::new(DEBUG, "Node's inspector"));
    draft.notes.extend(program.notes.clone());
    port(cx, &mut draft, &program, &package);
    draft.restart = program.restart.clone();
    draft.run = Some(program.run);
    draft.hold = program.hold;
    Ok(Some(draft))
}

/// Packages are installed when they change. A program that has to be compiled is compiled after it.
fn build(manager: &Manager, program: &Program) -> Build {
    match &program.compile {
        None => Build {
            run: manager.install.clone(),
            when: manager.when.clone(),
            why: manager.why.clone(),
        },
        Some(compile) => {
            // The list that npm keeps is newer than what it was made from once it has installed.
            let install = format!(
                "[ node_modules/.package-lock.json -nt {} ] || {}",
                manager.input,
                manager.install.join(" ")
            );
            let mut when = manager.when.clone();
            when.extend(words(&["**/*.ts", "**/*.tsx", "tsconfig*.json"]));
            Build {
                run: words(&["sh", "-c", &format!("{{ {install}; }} && {compile}")]),
                when,
                why: format!("{}; the script `build` makes the program", manager.why),
            }
        }
    }
}

fn port(cx: &Context<'_>, draft: &mut Draft, program: &Program, package: &Package) {
    let found = cx.listening(&[".ts", ".js", ".mjs", ".cjs", ".mts", ".cts", "www"]);
    let usual = program
        .usual
        .map(|port| Said::new(port, format!("the default of {}", program.framework)));
    if program.takes_argument {
        let scripted = package.scripted_port().or_else(|| found.port.clone());
        let found = crate::init::listening::Listening {
            port: scripted,
            ..found
        };
        draft.port = cx.port(&found, usual);
        return;
    }
    draft.port = cx.port(&found, usual);
    if !pass_port(draft, &found) {
        draft.set("PORT", "${port}", "the usual variable");
        if !program.reads_port {
            draft.notes.push(fixed(&found));
        }
    }
}

/// The Dockerfile's Node, else the one that `engines` asks for, else a supported one.
fn image(cx: &Context<'_>, package: &Package) -> String {
    let major = package
        .json
        .pointer("/engines/node")
        .and_then(Value::as_str)
        .map(|range| {
            let digits = range.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits
                .chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        })
        .filter(|major| !major.is_empty())
        .unwrap_or_else(|| "22".to_owned());
    cx.image(&["node", "bun"], "")
        .filter(|image| !image.is_empty())
        .unwrap_or_else(|| format!("node:{major}-bookworm-slim"))
}

/// The package at `path`.
fn read(cx: &Context<'_>, path: &str) -> Result<Option<Package>, DetectError> {
    let Some(text) = cx.manifest(path)? else {
        return Ok(None);
    };
    // Some editors on Windows put a byte order mark first.
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map(|json| Some(Package { json }))
        .map_err(|error| DetectError::Manifest {
            file: path.to_owned(),
            reason: error.to_string(),
        })
}

// === impl Package ===

impl Package {
    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key).and_then(Value::as_str)
    }

    fn has(&self, key: &str) -> bool {
        self.json.get(key).is_some()
    }

    fn script(&self, name: &str) -> Option<&str> {
        self.json.get("scripts")?.get(name).and_then(Value::as_str)
    }

    fn needs(&self, package: &str) -> bool {
        ["dependencies", "devDependencies"].iter().any(|table| {
            self.json
                .get(table)
                .is_some_and(|table| table.get(package).is_some())
        })
    }

    /// A port in the arguments of a script.
    fn scripted_port(&self) -> Option<Said<u16>> {
        ["dev", "start"].iter().find_map(|name| {
            let words: Vec<&str> = self.script(name)?.split([' ', '=']).collect();
            let at = words.iter().position(|word| ["-p", "--port"].contains(word))?;
            let port = words.get(at + 1)?.parse().ok()?;
            Some(Said::new(port, format!("the script `{name}` of package.json")))
        })
    }
}
