//! The baseline in use, as far as it can be asked. That it cannot be is no failure of `init`.

use std::time::Duration;

use crate::commands::Invocation;
use crate::engine::Engine;
use crate::ops::target::find_baseline;
use crate::report::{AnyReport, causes};
use crate::settings::{Sourced, UserFile};

/// How long an answer may take. What `init` writes can be checked later, too.
const ANSWER: Duration = Duration::from_secs(5);

/// What is known of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Baseline {
    /// Its services.
    Known {
        /// Its namespace.
        name: String,
        /// Their names.
        services: Vec<String>,
        /// Whether it is on the local engine.
        local: bool,
    },
    /// Nothing.
    Unknown {
        /// Why.
        why: String,
        /// Whether the folder may become one of the local engine: no cluster is in use.
        local: bool,
    },
}

/// Asks the engine in use.
///
/// # Errors
/// None but those of the user's own file: everything else is [`Baseline::Unknown`].
pub(super) async fn ask(invocation: &Invocation, baseline: Option<String>) -> Result<Baseline, AnyReport> {
    let wanted = invocation.baseline(baseline);
    let file = UserFile::load()?;
    let engine = match invocation.engine().await {
        Ok(engine) => engine,
        Err(error) => {
            // No cluster is configured, or the local engine is chosen and does not run.
            let local = ["no_kubeconfig", "local_not_running"].contains(&error.code());
            return Ok(Baseline::Unknown {
                why: said(error.as_ref()),
                local,
            });
        }
    };
    let engine: &dyn Engine = engine.as_ref();
    let local = engine.identity().engine == "local";
    let asked = tokio::time::timeout(ANSWER, services(engine, &file, wanted)).await;
    let why = match asked {
        Ok(Ok((name, services))) => {
            return Ok(Baseline::Known {
                name,
                services,
                local,
            });
        }
        Ok(Err(error)) => said(error.as_ref()),
        Err(_) => format!(
            "{} did not answer within {} s",
            engine.identity().server,
            ANSWER.as_secs()
        ),
    };
    Ok(Baseline::Unknown { why, local })
}

/// The baseline's name and its services.
async fn services(
    engine: &dyn Engine,
    file: &UserFile,
    wanted: Option<Sourced<String>>,
) -> Result<(String, Vec<String>), AnyReport> {
    let name = find_baseline(engine, file, wanted).await?.value;
    let objects = engine.baselines().list(&name).await?;
    let services = objects
        .into_iter()
        .filter_map(|object| object.status)
        .flat_map(|status| status.services)
        .map(|service| service.name)
        .collect();
    Ok((name, services))
}

fn said(error: &dyn crate::report::Report) -> String {
    match causes(error).first() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}
