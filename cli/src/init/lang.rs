//! One file per language: what its manifests say becomes a [`Draft`].

use super::dockerfile::Dockerfile;
use super::draft::{Draft, Language, Said};
use super::error::DetectError;
use super::files::{Files, sources};
use super::listening::{Listening, listening};

mod dotnet;
mod go;
mod gradle;
mod jvm;
mod maven;
mod node;
mod python;
mod rust;

/// What every language's detection gets.
pub(crate) struct Context<'a> {
    /// The folder's files.
    pub(crate) files: &'a dyn Files,
    /// The folder's name.
    pub(crate) folder: &'a str,
    /// Its Dockerfile.
    pub(crate) dockerfile: Option<Dockerfile>,
    /// Whether the program is to be started so that a debugger can attach, also where that needs one more package.
    pub(crate) debug: bool,
}

/// How many files of source are looked through for ports.
const SOURCES: usize = 200;

type Detect = fn(&Context<'_>) -> Result<Option<Draft>, DetectError>;

/// The languages in the order in which they are tried. A service in Python or Go often holds a `package.json` for its
/// pages or tools, hardly ever the other way round.
const LANGUAGES: [Detect; 8] = [
    rust::detect,
    go::detect,
    maven::detect,
    gradle::detect,
    dotnet::detect,
    python::detect_framework,
    node::detect,
    python::detect,
];

/// The first language whose manifest is there.
///
/// # Errors
/// A manifest that cannot be read or understood.
pub(crate) fn detect(cx: &Context<'_>) -> Result<Option<Draft>, DetectError> {
    for language in LANGUAGES {
        if let Some(draft) = language(cx)? {
            return Ok(Some(draft));
        }
    }
    Ok(None)
}

impl Context<'_> {
    /// An empty draft with the sync target: the Dockerfile's working directory, else `usual`.
    pub(crate) fn draft(&self, language: Language, usual: &str) -> Draft {
        let workdir = self.dockerfile.as_ref().and_then(|docker| docker.workdir.clone());
        let to = match workdir {
            Some(workdir) => Said::new(workdir, "WORKDIR of the Dockerfile"),
            None => Said::new(usual.to_owned(), "a folder of the container"),
        };
        Draft::new(language, to)
    }

    /// What the sources with these endings say about the port.
    pub(crate) fn listening(&self, endings: &[&str]) -> Listening {
        listening(&sources(self.files, endings, SOURCES), self.folder)
    }

    /// The text of a manifest.
    pub(crate) fn manifest(&self, path: &str) -> Result<Option<String>, DetectError> {
        self.files.read(path).map_err(DetectError::Read)
    }

    /// Whether tools of the image cannot write to the usual caches in their home folder.
    pub(crate) fn is_unprivileged(&self) -> bool {
        self.dockerfile.as_ref().is_some_and(Dockerfile::is_unprivileged)
    }

    /// The Dockerfile's image from one of these repositories, else `usual`.
    pub(crate) fn image(&self, repositories: &[&str], usual: &str) -> Option<String> {
        let own = self
            .dockerfile
            .as_ref()
            .and_then(|docker| docker.image_of(repositories));
        Some(own.unwrap_or(usual).to_owned())
    }

    /// The port: the Dockerfile's, then what the source says, then the framework's own.
    pub(crate) fn port(&self, listening: &Listening, usual: Option<Said<u16>>) -> Option<Said<u16>> {
        self.dockerfile
            .as_ref()
            .and_then(|docker| docker.port)
            .map(|port| Said::new(port, "EXPOSE of the Dockerfile"))
            .or_else(|| listening.port.clone())
            .or(usual)
    }
}
