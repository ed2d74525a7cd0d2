//! What a folder is: a service, several services, something unknown, or nothing.

use std::path::{Path, PathBuf};

use super::dockerfile;
use super::draft::{Draft, Language, Said};
use super::error::DetectError;
use super::files::{Files, NOT_SOURCE, Unreadable, join};
use super::lang::{self, Context};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The values of the project file.
    pub(crate) draft: Draft,
    /// The folder's name.
    pub(crate) folder: String,
    /// The service's name in a label of the Dockerfile.
    pub(crate) label: Option<String>,
    /// Whether there is a Dockerfile.
    pub(crate) dockerfile: bool,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// Nothing is in the folder.
    #[error("nothing is in the folder")]
    Empty,
    /// The folder is the root of several services.
    #[error("several services")]
    Several(Vec<String>),
    /// A file says nothing that can be understood.
    #[error(transparent)]
    Detect(#[from] DetectError),
}

/// How deep below a root services are looked for.
const DEEPEST: usize = 3;
/// How many services are named.
const MOST: usize = 30;

/// Looks at a folder. With `debug` the program is started so that a debugger can attach.
///
/// # Errors
/// [`LookError`].
pub(crate) fn look(files: &dyn Files, debug: bool) -> Result<Looked, LookError> {
    if files.list(".").iter().all(|name| name.starts_with('.')) {
        return Err(LookError::Empty);
    }
    let folder = files.below(1).unwrap_or_default();
    let docker = dockerfile_of(files)?;
    let cx = Context {
        files,
        folder: &folder,
        dockerfile: docker,
        debug,
    };
    let draft = match lang::detect(&cx)? {
        Some(draft) => draft,
        None => {
            let below = services_below(files);
            if !below.is_empty() {
                return Err(LookError::Several(below));
            }
            unknown(&cx)
        }
    };
    let docker = cx.dockerfile;
    Ok(Looked {
        draft,
        label: docker
            .as_ref()
            .and_then(|docker| docker.service())
            .map(str::to_owned),
        dockerfile: docker.is_some(),
        folder,
    })
}

/// The Dockerfile under one of its usual names.
fn dockerfile_of(files: &dyn Files) -> Result<Option<dockerfile::Dockerfile>, LookError> {
    for name in ["Dockerfile", "Containerfile", "docker/Dockerfile"] {
        if let Some(text) = files.read(name).map_err(DetectError::Read)? {
            return Ok(Some(dockerfile::parse(&text)));
        }
    }
    Ok(None)
}

/// A draft with what every file has, where the language is not known.
fn unknown(cx: &Context<'_>) -> Draft {
    let mut draft = cx.draft(Language::Unknown, "/app");
    draft.title = "no language that it knows".to_owned();
    draft.port = cx.port(&Default::default(), None);
    draft.set("PORT", "${port}", "the usual variable");
    draft.restart = None;
    draft.notes.push(
        "What builds and runs the service has to be filled in: see `build` and `run` above.".to_owned(),
    );
    draft
}

/// Folders below that hold a service each. A folder in a service is part of it.
fn services_below(files: &dyn Files) -> Vec<String> {
    let mut found = Vec::new();
    let mut level = vec![".".to_owned()];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for folder in level {
            for name in files.list(&folder) {
                let Some(name) = name.strip_suffix('/') else {
                    continue;
                };
                if name.starts_with('.') || NOT_SOURCE.contains(&name) {
                    continue;
                }
                let path = join(&folder, name);
                let below = Below::new(files, &path);
                // A manifest that cannot be understood is a service, too: `init` in its folder says what is wrong.
                if is_service(&below, name) {
                    found.push(path);
                } else {
                    next.push(path);
                }
            }
        }
        level = next;
    }
    found.sort();
    found.truncate(MOST);
    found
}

fn is_service(files: &dyn Files, name: &str) -> bool {
    let cx = Context {
        files,
        folder: name,
        dockerfile: None,
        debug: false,
    };
    files.has("Dockerfile") || files.has(crate::project::FILE_NAME) || !matches!(lang::detect(&cx), Ok(None))
}

/// The files of a folder below another one.
struct Below<'a> {
    files: &'a dyn Files,
    prefix: &'a str,
    place: PathBuf,
}

impl<'a> Below<'a> {
    fn new(files: &'a dyn Files, prefix: &'a str) -> Self {
        Self {
            files,
            prefix,
            place: files.place().join(prefix),
        }
    }
}

impl Files for Below<'_> {
    fn place(&self) -> &Path {
        &self.place
    }

    fn read(&self, path: &str) -> Result<Option<String>, Unreadable> {
        self.files.read(&format!("{}/{path}", self.prefix))
    }

    fn list(&self, folder: &str) -> Vec<String> {
        self.files.list(&format!("{}/{folder}", self.prefix))
    }
}

impl Looked {
    /// Names that the folder may have in the baseline, best first.
    pub(crate) fn names(&self) -> Vec<Said<String>> {
        super::candidates(&self.folder, &self.draft.names, self.label.as_deref())
    }
}
