//! What detection finds: the values of a `devspace.yaml` to be, each with the words that say where it came from.

use std::fmt;

/// A value and where it came from, in words for a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it came from, or why it is so.
    pub(crate) why: String,
}

/// A language, for people and for the files of editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Cargo.
    Rust,
    /// JavaScript or TypeScript on Node.
    Node,
    /// Go.
    Go,
    /// Python.
    Python,
    /// Java, Kotlin and the like.
    Jvm,
    /// C#, F#.
    Dotnet,
    /// Nothing that we know.
    Unknown,
}

/// The build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    /// The command.
    pub(crate) run: Vec<String>,
    /// Globs of paths that make it due.
    pub(crate) when: Vec<String>,
    /// Why this command.
    pub(crate) why: String,
}

/// What is synced, besides the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncFrom {
    /// The folder, relative to the service's.
    pub(crate) from: String,
    /// Paths below it. Empty: all.
    pub(crate) only: Vec<String>,
}

/// Everything that detection says of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// The language.
    pub(crate) language: Language,
    /// What the folder is, for people: `Rust, axum`.
    pub(crate) title: String,
    /// Names that the manifests give it, best first.
    pub(crate) names: Vec<Said<String>>,
    /// The port that the program listens on.
    pub(crate) port: Option<Said<u16>>,
    /// An image that has the toolchain.
    pub(crate) image: Option<String>,
    /// What is synced.
    pub(crate) sync: SyncFrom,
    /// Where to, in the container.
    pub(crate) to: Said<String>,
    /// Folders that outlive the pod.
    pub(crate) cache: Vec<String>,
    /// The build.
    pub(crate) build: Option<Build>,
    /// The program.
    pub(crate) run: Option<Said<Vec<String>>>,
    /// Globs that restart it without a build.
    pub(crate) restart: Option<Said<Vec<String>>>,
    /// Environment of build and program.
    pub(crate) env: Vec<(String, Said<String>)>,
    /// Port of its debugger.
    pub(crate) debug: Option<Said<u16>>,
    /// How long requests wait while it restarts.
    pub(crate) hold: Option<&'static str>,
    /// Folders that tools make, which must not be synced.
    pub(crate) made: Vec<&'static str>,
    /// What the developer should know or do. They stand in the file and are told.
    pub(crate) notes: Vec<String>,
}

// === impl Said ===

impl<T> Said<T> {
    /// A value with its origin.
    pub(crate) fn new(value: T, why: impl Into<String>) -> Self {
        Self {
            value,
            why: why.into(),
        }
    }
}

// === impl Language ===

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Node => "Node",
            Self::Go => "Go",
            Self::Python => "Python",
            Self::Jvm => "JVM",
            Self::Dotnet => ".NET",
            Self::Unknown => "unknown language",
        })
    }
}

// === impl Draft ===

impl Draft {
    /// A draft of `language` with nothing but its sync target.
    pub(crate) fn new(language: Language, to: Said<String>) -> Self {
        Self {
            language,
            title: language.to_string(),
            names: Vec::new(),
            port: None,
            image: None,
            sync: SyncFrom {
                from: ".".to_owned(),
                only: Vec::new(),
            },
            to,
            cache: Vec::new(),
            build: None,
            run: None,
            restart: None,
            env: Vec::new(),
            debug: None,
            hold: None,
            made: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a variable, unless it is there already.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>, why: impl Into<String>) {
        if !self.env.iter().any(|(known, _)| known == name) {
            self.env.push((name.to_owned(), Said::new(value.into(), why)));
        }
    }
}

/// Strings from literals.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
