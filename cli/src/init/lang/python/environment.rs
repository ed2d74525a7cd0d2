//! How a Python program's packages are installed: uv, Poetry, requirements or the project itself.

use toml::{Table, Value};

use crate::init::draft::{Said, words};
use crate::init::error::DetectError;
use crate::init::lang::Context;

/// What installs the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Uv,
    Poetry,
    Requirements,
    Project,
    /// A program without packages.
    None,
}

/// The packages and how they come.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    tool: Tool,
    /// The file of requirements.
    file: String,
    /// Every requirement, as written, in lower case.
    requirements: Vec<String>,
    /// The project's name.
    pub(super) name: Option<Said<String>>,
    /// Paths whose change makes an installation due.
    pub(super) when: Vec<String>,
}

/// Files of requirements in the order in which they are looked for.
const REQUIREMENTS: [&str; 4] = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements/dev.txt",
    "requirements/base.txt",
];

/// The environment of the folder; `None` where nothing speaks of Python.
pub(super) fn environment(cx: &Context<'_>) -> Result<Option<Environment>, DetectError> {
    let project = project(cx)?;
    let file = REQUIREMENTS.iter().find(|file| cx.files.has(file));
    let tool = if cx.files.has("uv.lock") {
        Tool::Uv
    } else if cx.files.has("poetry.lock") {
        Tool::Poetry
    } else if file.is_some() {
        Tool::Requirements
    } else if project
        .as_ref()
        .is_some_and(|project| project.contains_key("project"))
    {
        Tool::Project
    } else if cx.files.list(".").iter().any(|name| name.ends_with(".py")) {
        Tool::None
    } else {
        return Ok(None);
    };
    let file = file.copied().unwrap_or("requirements.txt").to_owned();
    let mut requirements: Vec<String> = cx
        .manifest(&file)?
        .unwrap_or_default()
        .lines()
        .map(|line| line.trim().to_ascii_lowercase())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
        .collect();
    let project = project.unwrap_or_default();
    requirements.extend(declared(&project));
    let when = match tool {
        Tool::Uv => words(&["uv.lock", "pyproject.toml"]),
        Tool::Poetry => words(&["poetry.lock", "pyproject.toml"]),
        Tool::Project => words(&["pyproject.toml"]),
        Tool::Requirements => words(&["requirements*.txt", "requirements/*.txt"]),
        Tool::None => words(&["requirements.txt"]),
    };
    let name = ["project", "tool.poetry"]
        .iter()
        .find_map(|path| at(&project, path)?.get("name")?.as_str())
        .map(|name| Said::new(name.to_owned(), "the project of pyproject.toml"));
    Ok(Some(Environment {
        tool,
        file,
        requirements,
        name,
        when,
    }))
}

impl Environment {
    /// Whether a package is asked for.
    pub(super) fn needs(&self, package: &str) -> bool {
        self.requirements.iter().any(|line| name(line) == package)
    }

    /// Whether a package is asked for with an extra.
    pub(super) fn has_extra(&self, package: &str) -> bool {
        self.requirements
            .iter()
            .any(|line| name(line) == package && line.contains('['))
    }

    /// The command that makes `.venv` and installs into it. Paths in a shell's text are relative: only whole arguments
    /// are rewritten on the local engine.
    pub(super) fn install(&self, more: &[&str]) -> Vec<String> {
        let with = |command: &str| {
            if more.is_empty() {
                command.to_owned()
            } else {
                format!("{command} {}", more.join(" "))
            }
        };
        let pip = "python3 -m venv .venv && .venv/bin/pip install -q --disable-pip-version-check";
        match self.tool {
            Tool::Uv if more.is_empty() => words(&["uv", "sync", "--frozen"]),
            Tool::Uv => shell(&with("uv sync --frozen && uv pip install")),
            Tool::Poetry if more.is_empty() => words(&["poetry", "install", "--no-interaction", "--no-root"]),
            Tool::Poetry => shell(&with(
                "poetry install --no-interaction --no-root && .venv/bin/pip install",
            )),
            Tool::Requirements => shell(&with(&format!("{pip} -r {}", self.file))),
            Tool::Project => shell(&with(&format!("{pip} -e ."))),
            Tool::None if more.is_empty() => words(&["python3", "-m", "venv", ".venv"]),
            Tool::None => shell(&with(pip)),
        }
    }

    /// Where the command comes from.
    pub(super) fn why(&self, more: &[&str]) -> String {
        let why = match self.tool {
            Tool::Uv => "uv.lock".to_owned(),
            Tool::Poetry => "poetry.lock".to_owned(),
            Tool::Requirements => self.file.clone(),
            Tool::Project => "pyproject.toml".to_owned(),
            Tool::None => "no packages are asked for".to_owned(),
        };
        if more.is_empty() {
            why
        } else {
            format!("{why}, and besides {}", more.join(" and "))
        }
    }

    /// Variables that put the environment into `.venv`.
    pub(super) fn variables(&self, to: &str) -> Vec<(&'static str, String, &'static str)> {
        match self.tool {
            Tool::Uv => vec![
                (
                    "UV_PROJECT_ENVIRONMENT",
                    format!("{to}/.venv"),
                    "uv installs there",
                ),
                ("VIRTUAL_ENV", format!("{to}/.venv"), "`uv pip` installs there"),
            ],
            Tool::Poetry => vec![(
                "POETRY_VIRTUALENVS_IN_PROJECT",
                "true".to_owned(),
                "Poetry installs into .venv",
            )],
            _ => Vec::new(),
        }
    }

    /// An image with the tools.
    pub(super) const fn image(&self) -> &'static str {
        match self.tool {
            Tool::Uv => "ghcr.io/astral-sh/uv:python3.12-bookworm",
            _ => "python:3.12-bookworm",
        }
    }
}

fn shell(command: &str) -> Vec<String> {
    words(&["sh", "-c", command])
}

/// `FastAPI[standard]>=0.1 ; python_version > "3"` asks for `fastapi`.
fn name(requirement: &str) -> &str {
    requirement
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.'))
        .next()
        .unwrap_or(requirement)
}

fn project(cx: &Context<'_>) -> Result<Option<Table>, DetectError> {
    let Some(text) = cx.manifest("pyproject.toml")? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error: toml::de::Error| DetectError::Manifest {
            file: "pyproject.toml".to_owned(),
            reason: error.message().to_owned(),
        })
}

/// What `pyproject.toml` asks for, in PEP 621's form and in Poetry's.
fn declared(project: &Table) -> Vec<String> {
    let list = at(project, "project")
        .and_then(|project| project.get("dependencies"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_ascii_lowercase);
    let poetry = at(project, "tool.poetry.dependencies")
        .into_iter()
        .flat_map(Table::iter)
        .map(|(name, value)| {
            let extra = value.get("extras").is_some();
            format!(
                "{}{}",
                name.to_ascii_lowercase(),
                if extra { "[extra]" } else { "" }
            )
        });
    list.chain(poetry).collect()
}

fn at<'a>(table: &'a Table, path: &str) -> Option<&'a Table> {
    path.split('.')
        .try_fold(table, |table, key| table.get(key)?.as_table())
}
