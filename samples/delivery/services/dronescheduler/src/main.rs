//! The drone scheduler as a program: settings, store, listener.
//!
//! `dronescheduler import < FILE` adds utilization records, one JSON object a line, and ends.

use std::io::{self, BufRead};
use std::process::ExitCode;

use delivery_common::json::any_case;
use delivery_common::logging::{self, causes};
use delivery_common::serve::{Observer, ServeError, serve};
use delivery_common::settings::{Settings, SettingsError, environment, parsed};
use delivery_common::startup::reach;
use dronescheduler::api::{App, router};
use dronescheduler::model::UtilizationRecord;
use dronescheduler::store::{self, DroneStore};
use thiserror::Error;

#[derive(Debug, Error)]
enum ProgramError {
    #[error("the settings cannot be used")]
    Settings(#[from] SettingsError),
    #[error("the store failed")]
    Store(#[from] store::StoreError),
    #[error("the service cannot listen")]
    Serve(#[from] ServeError),
    #[error("the records cannot be read")]
    Input(#[source] io::Error),
    #[error("line {line} is no utilization record")]
    Record {
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error("unknown argument {0:?}: the only one is \"import\"")]
    Argument(String),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().nth(1).as_deref()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::start(tracing::Level::INFO);
            tracing::error!(error = causes(&error), "the service cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(argument: Option<&str>) -> Result<(), ProgramError> {
    let settings = Settings::read(&environment)?;
    logging::start(settings.log_level);
    let store = reach(settings.store_wait, || store::open(&settings.connection)).await?;
    match argument {
        Some("import") => return import(store.as_ref()).await,
        Some(other) => return Err(ProgramError::Argument(other.to_owned())),
        None => {}
    }
    // Two spellings: the contract's and the usual one for an environment.
    let flag = [
        "FeatureManagement__UsePartitionKey",
        "FEATUREMANAGEMENT__USEPARTITIONKEY",
    ];
    let mut by_partition = false;
    for name in flag {
        by_partition |= parsed(&environment, name, "true or false", false)?;
    }
    let observer = Observer::new(settings.carriers.clone());
    let app = router(App { store, by_partition }, &observer);
    Ok(serve(app, &settings, &observer).await?)
}

async fn import(store: &dyn DroneStore) -> Result<(), ProgramError> {
    let mut flights: Vec<UtilizationRecord> = Vec::new();
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line.map_err(ProgramError::Input)?;
        if line.trim().is_empty() {
            continue;
        }
        let record = any_case(line.as_bytes()).map_err(|source| ProgramError::Record {
            line: index + 1,
            source,
        })?;
        flights.push(record);
    }
    store.record(&flights).await?;
    tracing::info!(records = flights.len(), "imported");
    Ok(())
}
