//! `devspace config`.

use std::path::Path;

use clap::ValueEnum;

use super::Invocation;
use super::engine::state_folder;
use crate::args::{ConfigCommand, ConfigKey, TargetArgs};
use crate::engine::Engine;
use crate::event::Event;
use crate::exit::Exit;
use crate::ops::config::{Found, row};
use crate::ops::target::find_target;
use crate::printer::{Row, Table};
use crate::project::Project;
use crate::report::{AnyReport, Report, one_line};
use crate::settings::{EngineChoice, EngineKind, Origin, Sourced, UserFile};

/// Runs one of the verbs. A cluster that does not answer is no failure: then its values have that reason.
pub(super) async fn run(invocation: &mut Invocation, command: ConfigCommand) -> Result<Exit, AnyReport> {
    match command {
        ConfigCommand::Show { target } => {
            let values = values(invocation, target).await?;
            let rows = values.into_iter().map(|(key, found)| {
                let row = row(key, found);
                let value = row.value.clone().unwrap_or_else(|| "-".to_owned());
                Row {
                    cells: vec![row.key.clone(), value, row.origin.clone()],
                    event: Event::Setting(row),
                }
            });
            let table = Table {
                columns: vec!["KEY", "VALUE", "FROM"],
                rows: rows.collect(),
            };
            invocation.printer.table(&table)?;
        }
        ConfigCommand::Explain { key, target } => {
            let values = values(invocation, target).await?;
            if let Some((key, found)) = values.into_iter().find(|(other, _)| *other == key) {
                invocation.printer.event(&Event::Setting(row(key, found)))?;
            }
        }
    }
    Ok(Exit::Ok)
}

/// Every key with its value.
async fn values(invocation: &Invocation, args: TargetArgs) -> Result<Vec<(ConfigKey, Found)>, AnyReport> {
    let choice = invocation.engine_choice()?;
    let engine = invocation.engine().await;
    let engine: Result<&dyn Engine, String> = match &engine {
        Ok(engine) => Ok(engine.as_ref()),
        Err(error) => Err(one_line(error.as_ref())),
    };
    let target = match &engine {
        Ok(engine) => {
            let (space, baseline) = (invocation.space(args.space), invocation.baseline(args.baseline));
            find_target(*engine, &UserFile::load()?, space, baseline)
                .await
                .map_err(|error| one_line(&error))
        }
        Err(reason) => Err(reason.clone()),
    };
    let value = |key| -> Found {
        match key {
            ConfigKey::Engine => Ok(Sourced {
                value: choice.engine.value.to_string(),
                origin: choice.engine.origin.clone(),
            }),
            ConfigKey::Context => context(&choice, &engine),
            ConfigKey::User => {
                let target = target.as_ref().map_err(Clone::clone)?;
                Ok(Sourced {
                    value: target.user.clone(),
                    origin: Origin::Engine,
                })
            }
            ConfigKey::Baseline => {
                let target = target.as_ref().map_err(Clone::clone)?;
                Ok(Sourced {
                    value: target.baseline.clone(),
                    origin: target.baseline_by.clone(),
                })
            }
            ConfigKey::Space => {
                let target = target.as_ref().map_err(Clone::clone)?;
                Ok(Sourced {
                    value: target.space.to_string(),
                    origin: target.chosen_by.clone(),
                })
            }
            ConfigKey::Service => service(),
            ConfigKey::UserFile => user_file(),
            ConfigKey::LocalState => local_state(),
        }
    };
    Ok(ConfigKey::value_variants()
        .iter()
        .map(|key| (*key, value(*key)))
        .collect())
}

fn context(choice: &EngineChoice, engine: &Result<&dyn Engine, String>) -> Found {
    if choice.engine.value == EngineKind::Local {
        return Err("the local engine has none".to_owned());
    }
    if let Some(context) = &choice.context {
        return Ok(context.clone());
    }
    let engine = engine.as_ref().map_err(Clone::clone)?;
    Ok(Sourced {
        value: engine.identity().context.clone(),
        origin: Origin::Kubeconfig,
    })
}

fn service() -> Found {
    let project = Project::load(Path::new(".")).map_err(|error| first_line(&error))?;
    Ok(Sourced {
        value: project.service.to_string(),
        origin: Origin::ProjectFile(project.file),
    })
}

fn user_file() -> Found {
    let file = UserFile::load().map_err(|error| one_line(&error))?;
    Ok(Sourced {
        value: file.path.display().to_string(),
        origin: Origin::of_variable("XDG_CONFIG_HOME"),
    })
}

fn local_state() -> Found {
    let state = state_folder().map_err(|error| one_line(&error))?;
    let origin = match Origin::of_variable(devspace_local::protocol::STATE_VARIABLE) {
        Origin::Default => Origin::of_variable("XDG_STATE_HOME"),
        origin => origin,
    };
    Ok(Sourced {
        value: state.display().to_string(),
        origin,
    })
}

/// A file's error may show lines of the file, which a table has no room for.
fn first_line(error: &dyn Report) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
