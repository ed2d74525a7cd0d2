//! The delivery service as a program: settings, store, listener.

use std::process::ExitCode;
use std::time::Duration;

use delivery::api::{App, router};
use delivery::invoice::Sources;
use delivery::notify::Notifier;
use delivery::store;
use delivery_common::logging::{self, causes};
use delivery_common::serve::{Observer, ServeError, serve};
use delivery_common::settings::{Settings, SettingsError, environment, parsed, required};
use delivery_common::startup::reach;
use delivery_common::upstream::Upstream;
use thiserror::Error;

#[derive(Debug, Error)]
enum ProgramError {
    #[error("the settings cannot be used")]
    Settings(#[from] SettingsError),
    #[error("the store cannot be reached")]
    Store(#[from] store::StoreError),
    #[error("the service cannot listen")]
    Serve(#[from] ServeError),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::start(tracing::Level::INFO);
            tracing::error!(error = causes(&error), "the service cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), ProgramError> {
    let settings = Settings::read(&environment)?;
    logging::start(settings.log_level);
    let within = Duration::from_millis(parsed(
        &environment,
        "UPSTREAM_TIMEOUT_MS",
        "a number of milliseconds",
        10_000,
    )?);
    let sources = Sources {
        package: Upstream::new(&required(&environment, "PACKAGE_URL")?, within),
        dronescheduler: Upstream::new(&required(&environment, "DRONESCHEDULER_URL")?, within),
    };
    let notifier = Notifier::new(environment("NOTIFICATION_URL").map(|url| Upstream::new(&url, within)));
    let store = reach(settings.store_wait, || store::open(&settings.connection)).await?;
    let observer = Observer::new(settings.carriers.clone());
    let app = router(
        App {
            store,
            sources,
            notifier,
        },
        &observer,
    );
    Ok(serve(app, &settings, &observer).await?)
}
