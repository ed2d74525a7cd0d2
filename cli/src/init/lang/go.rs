//! Go, by `go.mod`: the main package and the port.

use super::Context;
use crate::init::draft::{Build, Draft, Language, Said, words};
use crate::init::error::DetectError;
use crate::init::listening::{fixed, pass_port};

/// Where caches stand that the image's own user must be able to write.
const OWN_CACHE: &str = "/cache";
/// Delve's usual port.
const DEBUG: u16 = 2345;
/// Frameworks by their module.
const FRAMEWORKS: [(&str, &str); 6] = [
    ("github.com/gin-gonic/gin", "gin"),
    ("github.com/labstack/echo", "echo"),
    ("github.com/gofiber/fiber", "fiber"),
    ("github.com/go-chi/chi", "chi"),
    ("github.com/gorilla/mux", "gorilla/mux"),
    ("google.golang.org/grpc", "grpc"),
];

/// A folder with a module that has a main package.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(manifest) = cx.manifest("go.mod")? else {
        return Ok(None);
    };
    let Some(module) = word_after(&manifest, "module") else {
        return Err(DetectError::Manifest {
            file: "go.mod".to_owned(),
            reason: "it has no line `module NAME`".to_owned(),
        });
    };
    let Some((package, others)) = main_package(cx)? else {
        return Ok(None);
    };
    let mut draft = cx.draft(Language::Go, "/src");
    let framework = FRAMEWORKS.iter().find(|(module, _)| manifest.contains(module));
    draft.title = match framework {
        Some((_, name)) => format!("Go, {name}"),
        None => "Go".to_owned(),
    };
    let name = last_part(module);
    draft
        .names
        .push(Said::new(name.to_owned(), "the module of go.mod"));
    if package != "." {
        let named = last_part(&package).to_owned();
        draft.names.push(Said::new(named, "the main package"));
    }
    caches(cx, &mut draft);
    let program = format!("{OWN_CACHE}/bin/{name}");
    let mut run = words(&["go", "build", "-o", &program]);
    if cx.debug {
        // Optimised code has no lines to stop at.
        run.push("-gcflags=all=-N -l".to_owned());
    }
    run.push(package.clone());
    draft.build = Some(Build {
        run,
        when: words(&["**/*.go", "go.mod", "go.sum"]),
        why: format!("the main package `{package}`"),
    });
    draft.run = Some(start(cx, &mut draft, program));
    draft.hold = Some("60s");
    let version = word_after(&manifest, "go").unwrap_or("1");
    let image = version.split('.').take(2).collect::<Vec<_>>().join(".");
    draft.image = cx.image(&["golang"], &format!("golang:{image}-bookworm"));
    if !others.is_empty() {
        draft.notes.push(format!(
            "Other main packages are here, too: {}.",
            others.join(", ")
        ));
    }
    for line in manifest.lines().filter(|line| line.contains("=> ../")) {
        draft.notes.push(format!(
            "go.mod replaces a module by a folder outside this one (`{}`): sync from the folder above both.",
            line.trim()
        ));
    }
    let gin = framework.is_some_and(|(_, name)| *name == "gin");
    port(cx, &mut draft, gin);
    Ok(Some(draft))
}

/// The program, by Delve where a debugger is wanted.
fn start(cx: &Context<'_>, draft: &mut Draft, program: String) -> Said<Vec<String>> {
    if !cx.debug {
        return Said::new(vec![program], "what the build makes");
    }
    draft.debug = Some(Said::new(DEBUG, "Delve's usual port"));
    draft.notes.push(
        "Delve has to be where the program runs: `go install github.com/go-delve/delve/cmd/dlv@latest`. Without it \
put the program alone into `run`, and take `debug` out."
            .to_owned(),
    );
    let listen = format!("--listen=127.0.0.1:${{port:{DEBUG}}}");
    let mut run = words(&[
        "dlv",
        "exec",
        "--headless",
        "--continue",
        "--accept-multiclient",
        &listen,
    ]);
    run.push(program);
    Said::new(run, "what the build makes, by Delve")
}

/// The caches of the image's usual user outlive the pod. On the local engine the toolchain's own caches serve.
/// An unprivileged user cannot write there, so its caches are moved to where it can.
fn caches(cx: &Context<'_>, draft: &mut Draft) {
    draft.cache = vec![OWN_CACHE.to_owned()];
    if cx.is_unprivileged() {
        let why = "the image's user cannot write the usual caches";
        draft.set("GOCACHE", format!("{OWN_CACHE}/go-build"), why);
        draft.set("GOMODCACHE", format!("{OWN_CACHE}/go-mod"), why);
        // Files that cannot be written could not be removed with the copy.
        draft.set("GOFLAGS", "-modcacherw", "so that the cache can be removed");
    } else {
        draft
            .cache
            .extend(words(&["/root/.cache/go-build", "/go/pkg/mod"]));
    }
}

fn port(cx: &Context<'_>, draft: &mut Draft, gin: bool) {
    let found = cx.listening(&[".go"]);
    let usual = gin.then(|| Said::new(8080, "the default of gin"));
    draft.port = cx.port(&found, usual);
    if pass_port(draft, &found) {
        return;
    }
    draft.set(
        "PORT",
        "${port}",
        if gin {
            "gin's Run() reads it"
        } else {
            "the usual variable"
        },
    );
    if !gin || found.port.is_some() {
        draft.notes.push(fixed(&found));
    }
}

/// `.` or a folder below `cmd`, and the other ones.
fn main_package(cx: &Context<'_>) -> Result<Option<(String, Vec<String>)>, DetectError> {
    if is_main(cx, ".")? {
        return Ok(Some((".".to_owned(), Vec::new())));
    }
    let mut found = Vec::new();
    for name in cx.files.list("cmd") {
        if let Some(name) = name.strip_suffix('/')
            && is_main(cx, &format!("cmd/{name}"))?
        {
            found.push(format!("./cmd/{name}"));
        }
    }
    if is_main(cx, "cmd")? {
        found.push("./cmd".to_owned());
    }
    let index = found
        .iter()
        .position(|path| last_part(path) == cx.folder)
        .or_else(|| {
            found
                .iter()
                .position(|path| ["server", "api", "web"].contains(&last_part(path)))
        })
        .unwrap_or(0);
    if index >= found.len() {
        return Ok(None);
    }
    let package = found.remove(index);
    Ok(Some((package, found)))
}

fn is_main(cx: &Context<'_>, folder: &str) -> Result<bool, DetectError> {
    for name in cx.files.list(folder) {
        let source = name.ends_with(".go") && !name.ends_with("_test.go");
        if source {
            let text = cx.manifest(&format!("{folder}/{name}"))?.unwrap_or_default();
            if text
                .lines()
                .any(|line| line.split_whitespace().eq(["package", "main"]))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn last_part(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    // `example.com/shop/v2` is the second major version of `shop`.
    let version = last
        .strip_prefix('v')
        .is_some_and(|number| number.parse::<u32>().is_ok());
    if version {
        parts.next().unwrap_or(last)
    } else {
        last
    }
}

fn word_after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(word)).then(|| words.next()).flatten()
    })
}
