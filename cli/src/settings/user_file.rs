//! The user's own file: which engine is in use, and which space is selected for which context.

use std::collections::BTreeMap;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::EngineKind;
use crate::exit::Exit;
use crate::report::Report;

/// What `devspace space select` keeps for one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Selection {
    /// The baseline's namespace.
    pub(crate) baseline: String,
    /// The space.
    pub(crate) space: String,
}

/// The file. A file that is not there is an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    content: Content,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    /// What `devspace use` chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<EngineKind>,
    /// The context that `devspace use kube CONTEXT` chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    /// Selections by engine and context, as `kube/kind-dev`.
    #[serde(default)]
    selected: BTreeMap<String, Selection>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserFileError {
    /// There is no home folder.
    #[error("no home folder, so no place for what you chose")]
    NoHome(#[source] etcetera::HomeDirError),
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// Somebody broke it.
    #[error("{} is broken", path.display())]
    Parse {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

impl UserFile {
    /// Reads `devspace/selection.json` in the user's configuration folder (XDG Base Directory Specification).
    ///
    /// # Errors
    /// [`UserFileError`], but not for a file that is not there.
    pub(crate) fn load() -> Result<Self, UserFileError> {
        let strategy = etcetera::choose_base_strategy().map_err(UserFileError::NoHome)?;
        Self::load_from(strategy.config_dir().join("devspace").join("selection.json"))
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`UserFile::load`].
    pub(crate) fn load_from(path: PathBuf) -> Result<Self, UserFileError> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    path,
                    content: Content::default(),
                });
            }
            Err(source) => return Err(UserFileError::Read { path, source }),
        };
        let content = serde_json::from_str(&text).map_err(|source| UserFileError::Parse {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, content })
    }

    /// The selection for `engine` and `context`.
    pub(crate) fn selection(&self, engine: &str, context: &str) -> Option<&Selection> {
        self.content.selected.get(&format!("{engine}/{context}"))
    }

    /// Keeps `selection` for `engine` and `context`, and writes the file whole: beside it first, then renamed.
    ///
    /// # Errors
    /// [`UserFileError::Write`].
    pub(crate) fn select(
        &mut self,
        engine: &str,
        context: &str,
        selection: Selection,
    ) -> Result<(), UserFileError> {
        self.content
            .selected
            .insert(format!("{engine}/{context}"), selection);
        self.write()
    }

    /// What `devspace use` chose.
    pub(crate) const fn engine(&self) -> Option<EngineKind> {
        self.content.engine
    }

    /// The context that it chose with it.
    pub(crate) fn context(&self) -> Option<&str> {
        self.content.context.as_deref()
    }

    /// Keeps the engine, with a context of the kubeconfig or without.
    ///
    /// # Errors
    /// [`UserFileError::Write`].
    pub(crate) fn use_engine(
        &mut self,
        engine: EngineKind,
        context: Option<String>,
    ) -> Result<(), UserFileError> {
        self.content.engine = Some(engine);
        self.content.context = context;
        self.write()
    }

    fn write(&self) -> Result<(), UserFileError> {
        let failed = |source| UserFileError::Write {
            path: self.path.clone(),
            source,
        };
        let text = serde_json::to_string_pretty(&self.content).map_err(|error| failed(error.into()))?;
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let beside = self.path.with_extension("json.new");
        std::fs::write(&beside, text + "\n").map_err(failed)?;
        std::fs::rename(&beside, &self.path).map_err(failed)
    }
}

impl Report for UserFileError {
    fn code(&self) -> &'static str {
        "user_file"
    }

    fn exit(&self) -> Exit {
        Exit::Failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_kept_per_context() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/selection.json");
        let mut file = UserFile::load_from(path.clone()).unwrap();
        assert_eq!(file.selection("kube", "dev"), None);
        let selection = Selection {
            baseline: "shop".into(),
            space: "red".into(),
        };
        file.select("kube", "dev", selection.clone()).unwrap();
        let file = UserFile::load_from(path).unwrap();
        assert_eq!(file.selection("kube", "dev"), Some(&selection));
        assert_eq!(file.selection("kube", "prod"), None);
        assert_eq!(file.selection("local", "dev"), None);
    }

    #[test]
    fn an_engine_is_kept_beside_the_selections() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("selection.json");
        std::fs::write(
            &path,
            r#"{"selected": {"kube/dev": {"baseline": "shop", "space": "red"}}}"#,
        )
        .unwrap();
        let mut file = UserFile::load_from(path.clone()).unwrap();
        assert_eq!((file.engine(), file.context()), (None, None));
        file.use_engine(EngineKind::Kube, Some("dev".into())).unwrap();
        file.use_engine(EngineKind::Local, None).unwrap();
        let file = UserFile::load_from(path).unwrap();
        assert_eq!((file.engine(), file.context()), (Some(EngineKind::Local), None));
        assert_eq!(file.selection("kube", "dev").unwrap().space, "red");
    }

    #[test]
    fn a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("selection.json");
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(
            UserFile::load_from(path),
            Err(UserFileError::Parse { .. })
        ));
    }
}
