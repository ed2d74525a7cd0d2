//! How a Node program is started: by its framework, by its entry file, or by its scripts.

use super::{DEBUG, Manager, Package};
use crate::init::draft::{Said, words};
use crate::init::lang::Context;

/// A program and how it is started.
pub(super) struct Program {
    /// What it is, for people.
    pub(super) title: String,
    /// The framework's name.
    pub(super) framework: &'static str,
    /// The command.
    pub(super) run: Said<Vec<String>>,
    /// Globs that restart it. Unset: it reloads itself, or the build does.
    pub(super) restart: Option<Said<Vec<String>>>,
    /// A shell command that compiles it after the installation.
    pub(super) compile: Option<String>,
    /// Whether the port is an argument.
    pub(super) takes_argument: bool,
    /// Whether it reads `PORT` by itself.
    pub(super) reads_port: bool,
    /// The framework's own port.
    pub(super) usual: Option<u16>,
    /// Whether the inspector listens.
    pub(super) debug: bool,
    /// How long requests wait.
    pub(super) hold: Option<&'static str>,
    /// What to know.
    pub(super) notes: Vec<String>,
}

/// Servers that a program may be made with, for the title alone.
const SERVERS: [(&str, &str); 8] = [
    ("express", "Express"),
    ("fastify", "Fastify"),
    ("koa", "Koa"),
    ("hono", "Hono"),
    ("@hapi/hapi", "hapi"),
    ("@apollo/server", "Apollo"),
    ("restify", "restify"),
    ("polka", "Polka"),
];

/// Files that usually start a program.
const ENTRIES: [&str; 14] = [
    "src/main.ts",
    "src/index.ts",
    "src/server.ts",
    "src/app.ts",
    "main.ts",
    "index.ts",
    "server.ts",
    "src/main.js",
    "src/index.js",
    "src/server.js",
    "server.js",
    "index.js",
    "app.js",
    "main.js",
];

/// The program of the package.
pub(super) fn program(cx: &Context<'_>, package: &Package, manager: &Manager) -> Option<Program> {
    framework(package, manager)
        .or_else(|| fastify_cli(package, manager))
        .or_else(|| entry(cx, package, manager))
        // A script of a root of workspaces starts all of them.
        .or_else(|| script(package, manager).filter(|_| !is_root(cx, package)))
}

fn is_root(cx: &Context<'_>, package: &Package) -> bool {
    package.has("workspaces") || cx.files.has("pnpm-workspace.yaml")
}

fn base(framework: &'static str, run: Vec<String>, why: &str) -> Program {
    Program {
        title: format!("Node, {framework}"),
        framework,
        run: Said::new(run, why),
        restart: None,
        compile: None,
        takes_argument: true,
        reads_port: false,
        usual: None,
        debug: false,
        hold: Some("60s"),
        notes: Vec::new(),
    }
}

fn tool(name: &str, arguments: &[&str]) -> Vec<String> {
    let mut run = vec![format!("node_modules/.bin/{name}")];
    run.extend(words(arguments));
    run
}

/// Frameworks with a server for development that reloads itself.
fn framework(package: &Package, manager: &Manager) -> Option<Program> {
    // In workspaces these tools look for their project in the working directory, which is the root's.
    let folder = manager.member.trim_end_matches('/');
    let at = |mut run: Vec<String>| {
        if !folder.is_empty() {
            run.push(folder.to_owned());
        }
        run
    };
    if package.needs("next") {
        let run = at(tool(
            "next",
            &["dev", "--hostname", "0.0.0.0", "--port", "${port}"],
        ));
        let mut program = base("Next.js", run, "package.json needs next; it reloads itself");
        program.usual = Some(3000);
        return Some(program);
    }
    if package.needs("@nestjs/core") && package.needs("@nestjs/cli") && folder.is_empty() {
        let inspector = format!("127.0.0.1:${{port:{DEBUG}}}");
        let run = tool("nest", &["start", "--watch", "--debug", &inspector]);
        let mut program = base(
            "NestJS",
            run,
            "package.json needs @nestjs/cli; it compiles and restarts by itself",
        );
        program.takes_argument = false;
        program.usual = Some(3000);
        program.debug = true;
        return Some(program);
    }
    let vite = package.needs("vite")
        && ["dev", "start"]
            .iter()
            .any(|name| package.script(name).is_some_and(|it| it.starts_with("vite")));
    if vite {
        let run = at(tool(
            "vite",
            &["--host", "0.0.0.0", "--port", "${port}", "--strictPort"],
        ));
        let mut program = base("Vite", run, "package.json needs vite; it reloads itself");
        program.usual = Some(5173);
        program.notes.push(
            "Vite answers only hosts that it knows: the baseline's host belongs in `server.allowedHosts`."
                .to_owned(),
        );
        return Some(program);
    }
    None
}

/// `fastify start app.js` of fastify-cli.
fn fastify_cli(package: &Package, manager: &Manager) -> Option<Program> {
    if !package.needs("fastify-cli") {
        return None;
    }
    let script = package.script("start")?;
    let at = script.find("fastify start")?;
    let file = script
        .get(at..)?
        .split_whitespace()
        .rfind(|word| is_script(word))?;
    let file = format!("{}{file}", manager.member);
    let inspector = format!("127.0.0.1:${{port:{DEBUG}}}");
    let mut run = words(&["node", &format!("--inspect={inspector}")]);
    run.extend(words(&[
        "node_modules/fastify-cli/cli.js",
        "start",
        "--address",
        "0.0.0.0",
        "--port",
        "${port}",
        "--log-level",
        "info",
    ]));
    run.extend(
        script
            .split_whitespace()
            .filter(|word| *word == "--options")
            .map(str::to_owned),
    );
    run.push(file);
    let mut program = base("Fastify", run, "the script `start` of package.json");
    program.usual = Some(3000);
    program.debug = true;
    match package.script("build:ts") {
        Some(_) => program.compile = Some(format!("{} run build:ts", manager.name)),
        None => program.restart = Some(restart("js")),
    }
    program.hold = None;
    Some(program)
}

/// A file that Node starts.
fn entry(cx: &Context<'_>, package: &Package, manager: &Manager) -> Option<Program> {
    let scripted = ["dev", "start", "serve"]
        .iter()
        .filter_map(|name| Some((*name, package.script(name)?)))
        .find_map(|(name, script)| {
            let file = file_of(script)?;
            // What a build makes is not there to start from.
            cx.files
                .has(file)
                .then(|| (file.to_owned(), format!("the script `{name}` of package.json")))
        });
    let usual = || {
        package
            .text("main")
            .into_iter()
            .chain(ENTRIES)
            .map(|path| path.trim_start_matches("./"))
            .find(|path| cx.files.has(path))
            .map(|path| (path.to_owned(), format!("{path} is here")))
    };
    let (file, why) = scripted.or_else(usual)?;
    let typed = file.ends_with(".ts") || file.ends_with(".mts") || file.ends_with(".cts");
    let loader: &[&str] = match typed {
        false => &[],
        true if package.needs("tsx") => &["--import", "tsx"],
        true if package.needs("ts-node") => &["--require", "ts-node/register"],
        true if package.needs("@swc-node/register") => &["--import", "@swc-node/register/esm-register"],
        true => return None,
    };
    let mut run = words(&["node", &format!("--inspect=127.0.0.1:${{port:{DEBUG}}}")]);
    run.extend(words(loader));
    run.push(format!("{}{file}", manager.member));
    let server = SERVERS.iter().find(|(name, _)| package.needs(name));
    let mut program = base("Node", run, &why);
    program.title = match (typed, server) {
        (true, Some((_, server))) => format!("TypeScript, {server}"),
        (true, None) => "TypeScript".to_owned(),
        (false, Some((_, server))) => format!("Node, {server}"),
        (false, None) => "Node".to_owned(),
    };
    program.takes_argument = false;
    program.debug = true;
    program.hold = None;
    program.restart = Some(restart(if typed { "ts" } else { "js" }));
    Some(program)
}

/// The scripts themselves, where nothing better is known.
fn script(package: &Package, manager: &Manager) -> Option<Program> {
    let name = ["dev", "start:dev", "start", "serve"]
        .into_iter()
        .find(|name| package.script(name).is_some())?;
    let started = package.script(name)?;
    let mut run = words(&[manager.name, "run", name]);
    if !manager.member.is_empty() {
        run = words(&[
            "sh",
            "-c",
            &format!("cd {} && exec {}", manager.member, run.join(" ")),
        ]);
    }
    let mut program = base("Node", run, &format!("the script `{name}` of package.json"));
    program.title = "Node".to_owned();
    program.takes_argument = false;
    // A script that starts what a build makes needs the build.
    if name == "start" && package.script("build").is_some() && started.contains("dist") {
        program.compile = Some(format!("{} run build", manager.name));
    } else if name == "start" {
        program.restart = Some(restart("js"));
    }
    Some(program)
}

fn restart(ending: &str) -> Said<Vec<String>> {
    let sources = if ending == "ts" {
        words(&["**/*.ts", "**/*.tsx", "**/*.json"])
    } else {
        words(&["**/*.js", "**/*.mjs", "**/*.cjs", "**/*.json"])
    };
    Said::new(
        sources,
        "the build installs packages, the program runs from source",
    )
}

/// The file that a script starts: `node --watch ./bin/www`, `tsx watch src/main.ts`.
fn file_of(script: &str) -> Option<&str> {
    let mut words = script.split_whitespace();
    let starts = ["node", "tsx", "ts-node", "ts-node-dev", "nodemon", "tsnd"];
    words.find(|word| starts.contains(word))?;
    words
        .find(|word| is_script(word) || (word.contains('/') && !word.starts_with('-') && !word.contains('=')))
        .map(|word| word.trim_start_matches("./"))
}

fn is_script(word: &str) -> bool {
    [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]
        .iter()
        .any(|ending| word.ends_with(ending))
        && !word.starts_with('-')
}
