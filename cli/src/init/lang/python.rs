//! Python: the environment by its files, the framework by its dependency and its application object.

use super::Context;
use crate::init::draft::{Build, Draft, Language, Said, words};
use crate::init::error::DetectError;
use crate::init::files::{Source, sources};
use crate::init::listening::{fixed, pass_port};

mod environment;

use environment::{Environment, environment};

/// The port of the debugger, debugpy's usual one.
const DEBUG: u16 = 5678;
/// How many files are looked through.
const SOURCES: usize = 200;

/// What starts the program, after the interpreter.
struct Start {
    title: &'static str,
    arguments: Vec<String>,
    why: String,
    /// Port where nothing names one; unset: the program decides by itself.
    usual: Option<u16>,
    /// A package that it needs and the requirements do not name.
    more: Option<&'static str>,
}

/// A folder with a known framework, for the first round.
pub(super) fn detect_framework(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(environment) = environment(cx)? else {
        return Ok(None);
    };
    let sources = sources(cx.files, &[".py"], SOURCES);
    Ok(framework(cx, &environment, &sources).map(|start| draft(cx, &environment, start)))
}

/// Any folder with a Python program.
pub(super) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    let Some(environment) = environment(cx)? else {
        return Ok(None);
    };
    let main = ["main.py", "app.py", "server.py", "src/main.py", "__main__.py"]
        .iter()
        .find(|path| cx.files.has(path));
    let Some(main) = main else {
        return Ok(None);
    };
    let start = Start {
        title: "Python",
        arguments: words(&[main]),
        why: format!("{main} is here"),
        usual: None,
        more: None,
    };
    Ok(Some(draft(cx, &environment, start)))
}

fn framework(cx: &Context<'_>, environment: &Environment, sources: &[Source]) -> Option<Start> {
    if cx.files.has("manage.py") && environment.needs("django") {
        return Some(Start {
            title: "Python, Django",
            arguments: words(&["manage.py", "runserver", "--noreload", "0.0.0.0:${port}"]),
            why: "manage.py is here".to_owned(),
            usual: Some(8000),
            more: None,
        });
    }
    if environment.needs("fastapi") || environment.needs("starlette") {
        let (object, why) = object(sources, "FastAPI(").or_else(|| object(sources, "Starlette("))?;
        // The extra brings the server with it.
        let served = environment.needs("uvicorn") || environment.has_extra("fastapi");
        return Some(Start {
            title: "Python, FastAPI",
            arguments: words(&["-m", "uvicorn", &object, "--host", "0.0.0.0", "--port", "${port}"]),
            why,
            usual: Some(8000),
            more: (!served).then_some("uvicorn"),
        });
    }
    if environment.needs("flask") {
        let (object, why) = object(sources, "Flask(").or_else(|| factory(sources))?;
        let application = object.replace(":create_app", "");
        return Some(Start {
            title: "Python, Flask",
            arguments: words(&[
                "-m",
                "flask",
                "--app",
                &application,
                "run",
                "--host",
                "0.0.0.0",
                "--port",
                "${port}",
            ]),
            why,
            usual: Some(5000),
            more: None,
        });
    }
    None
}

fn draft(cx: &Context<'_>, environment: &Environment, start: Start) -> Draft {
    let mut draft = cx.draft(Language::Python, "/app");
    draft.title = start.title.to_owned();
    let to = draft.to.value.clone();
    draft.names.extend(environment.name.clone());
    draft.cache = vec![format!("{to}/.venv"), "/root/.cache".to_owned()];
    let debugger = environment.needs("debugpy");
    let mut more: Vec<&str> = start.more.into_iter().collect();
    if cx.debug && !debugger {
        more.push("debugpy");
    }
    draft.build = Some(Build {
        run: environment.install(&more),
        when: environment.when.clone(),
        why: environment.why(&more),
    });
    for (name, value, why) in environment.variables(&to) {
        draft.set(name, value, why);
    }
    let mut run = vec![format!("{to}/.venv/bin/python")];
    if debugger || cx.debug {
        // Frozen modules hide their source from a debugger.
        run.extend(words(&["-X", "frozen_modules=off", "-m", "debugpy", "--listen"]));
        run.push(format!("127.0.0.1:${{port:{DEBUG}}}"));
        draft.debug = Some(Said::new(DEBUG, "debugpy's usual port"));
    }
    run.extend(start.arguments);
    draft.run = Some(Said::new(run, start.why));
    draft.restart = Some(Said::new(
        words(&["**/*.py", "**/*.html"]),
        "the build installs packages, the program runs from source",
    ));
    draft.set("PYTHONUNBUFFERED", "1", "so that its lines are shown at once");
    draft.image = cx.image(&["python", "uv"], environment.image());
    draft.made = vec![".venv", "__pycache__"];
    if start.title.ends_with("Django") {
        draft
            .notes
            .push("Django answers only hosts that it knows: the baseline's host and the service's name belong in ALLOWED_HOSTS.".to_owned());
    }
    let found = cx.listening(&[".py"]);
    match start.usual {
        // The port is an argument: what the source says of it is for `python main.py`.
        Some(usual) => {
            let framework = start.title.rsplit(' ').next().unwrap_or("the framework");
            draft.port = cx.port(
                &found,
                Some(Said::new(usual, format!("the default of {framework}"))),
            );
        }
        None => {
            draft.port = cx.port(&found, None);
            if !pass_port(&mut draft, &found) {
                draft.set("PORT", "${port}", "the usual variable");
                draft.notes.push(fixed(&found));
            }
        }
    }
    draft
}

/// The first module-level object that `call` makes: `app.main:app`.
fn object(sources: &[Source], call: &str) -> Option<(String, String)> {
    sources.iter().find_map(|source| {
        let name = source.text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            let name = name.split(':').next().unwrap_or(name);
            let plain = !name.starts_with(char::is_whitespace) && !name.trim().contains(['.', ' ', '#']);
            (plain && value.trim_start().starts_with(call)).then(|| name.trim().to_owned())
        })?;
        Some((
            format!("{}:{name}", module(&source.path)),
            format!("{} makes `{name}`", source.path),
        ))
    })
}

/// A function that makes the application, which Flask finds by its name.
fn factory(sources: &[Source]) -> Option<(String, String)> {
    sources.iter().find_map(|source| {
        source
            .text
            .lines()
            .find(|line| line.starts_with("def create_app("))?;
        Some((
            format!("{}:create_app", module(&source.path)),
            format!("{} has `create_app`", source.path),
        ))
    })
}

/// `app/main.py` is the module `app.main`. A `src` folder without `__init__.py` is found by its name as well.
fn module(path: &str) -> String {
    path.trim_end_matches(".py")
        .trim_end_matches("/__init__")
        .replace('/', ".")
}
