//! The daemon and the agent without the CLI, as processes that the tests of this crate can kill.
//!
//! `devspace-local-engine serve STATE` is the daemon, `devspace-local-engine agent` what it starts.

use std::process::ExitCode;

use devspace_local::agent::agent;
use devspace_local::serve::serve;
use devspace_local::settings::Settings;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(work()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the engine ends");
            ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<(), String> {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    match verb.to_str() {
        Some("agent") => agent().await.map_err(|error| format!("{error:?}")),
        Some("serve") => {
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let settings = Settings {
                state: arguments.next().ok_or("serve needs a state folder")?.into(),
                user: "ada".to_owned(),
                agent: vec![program.into(), "agent".into()],
            };
            serve(settings).await.map_err(|error| format!("{error:?}"))
        }
        _ => Err("devspace-local-engine serve STATE | agent".to_owned()),
    }
}
