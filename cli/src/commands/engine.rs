//! The engine in use, and `devspace use`.

use std::path::PathBuf;
use std::sync::Arc;

use super::Invocation;
use crate::args::UseArgs;
use crate::engine::kube::{ConnectOptions, connect};
use crate::engine::{Engine, EngineError, local};
use crate::event::Event;
use crate::exit::Exit;
use crate::report::{AnyReport, Hint, Report};
use crate::settings::{EngineAsked, EngineChoice, EngineKind, Origin, UserFile, choose_engine, sourced};

impl Invocation {
    /// Which engine is in use, and why.
    pub(super) fn engine_choice(&self) -> Result<EngineChoice, AnyReport> {
        let asked = EngineAsked {
            engine: sourced(
                &self.matches,
                "engine",
                self.global.engine,
                "--engine",
                "DEVSPACE_ENGINE",
            ),
            context: sourced(
                &self.matches,
                "context",
                self.global.context.clone(),
                "--context",
                "DEVSPACE_CONTEXT",
            ),
            kubeconfig: self.global.kubeconfig.is_some(),
        };
        Ok(choose_engine(asked, &UserFile::load()?))
    }

    /// The engine in use.
    pub(crate) async fn engine(&self) -> Result<Arc<dyn Engine>, AnyReport> {
        let choice = self.engine_choice()?;
        if choice.engine.value == EngineKind::Local {
            return Ok(Arc::new(local::connect(&state_folder()?).await?));
        }
        let options = ConnectOptions {
            kubeconfig: self.global.kubeconfig.clone(),
            context: choice.context.map(|context| context.value),
        };
        match connect(options).await {
            Ok(kube) => Ok(Arc::new(kube)),
            Err(EngineError::NoConfig { looked, .. }) => {
                // Whoever asked for a cluster wants one; others may not know of the engine that runs beside them.
                let local_runs = choice.engine.origin == Origin::Default && local_runs().await;
                Err(EngineError::NoConfig { looked, local_runs }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn local_runs() -> bool {
    match state_folder() {
        Ok(state) => local::connect(&state).await.is_ok(),
        Err(_) => false,
    }
}

/// The state folder of the local engine.
pub(super) fn state_folder() -> Result<PathBuf, EngineError> {
    devspace_local::settings::state_folder().map_err(|error| EngineError::NoState(Box::new(error)))
}

/// `devspace use`.
pub(super) async fn use_engine(invocation: &mut Invocation, args: UseArgs) -> Result<Exit, AnyReport> {
    let UseArgs { engine, context } = args;
    match (engine, &context) {
        (EngineKind::Local, Some(context)) => {
            return Err(NoContextError {
                context: context.clone(),
            }
            .into());
        }
        (EngineKind::Kube, Some(_)) => {
            // A context that does not exist is told now and not with every later command.
            let kubeconfig = invocation.global.kubeconfig.clone();
            let context = context.clone();
            connect(ConnectOptions { kubeconfig, context }).await?;
        }
        _ => {}
    }
    let mut file = UserFile::load()?;
    file.use_engine(engine, context.clone())?;
    invocation.printer.event(&Event::Used {
        engine: engine.to_string(),
        context,
        file: file.path.display().to_string(),
    })?;
    if engine == EngineKind::Local && !local_runs().await {
        invocation.printer.event(&Event::Warning {
            service: None,
            message: "the local engine does not run yet: `devspace local start`".to_owned(),
        })?;
    }
    Ok(Exit::Ok)
}

/// A context for an engine that has none.
#[derive(Debug, thiserror::Error)]
#[error("`{context}` stands after `use local`, and the local engine has no contexts")]
struct NoContextError {
    context: String,
}

impl Report for NoContextError {
    fn code(&self) -> &'static str {
        "no_context"
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::with(
            "one of these",
            format!("devspace use local\ndevspace use kube {}", self.context),
        ))
    }
}
