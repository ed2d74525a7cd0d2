//! What the demo needs on one machine: `devspace`, the sample's folders to edit, the local engine with the sample.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::show;
use crate::places::{read_file, write_file};
use crate::process;
use crate::say;

/// The file that the demo edits, and the line in it that answers a delivery.
const FILE: &str = "services/delivery/src/api/reads.rs";
const LINE: &str = "    as_json(&app.store.get(&id).await?.ok_or_else(not_found)?)\n";
/// What the demo asks for.
pub(super) const PATH: &str = "/api/deliveries/public/demo-1";

/// A demo that is ready to be shown.
pub(super) struct Stage {
    devspace: PathBuf,
    /// The demo's own copy of the sample.
    pub(super) sample: PathBuf,
    /// Where the engine and the user's choices are kept, apart from the user's own.
    home: PathBuf,
    /// The gateway of the baseline: `http://localhost:7080`.
    pub(super) gateway: String,
    /// Services that run.
    pub(super) running: Vec<String>,
    source: String,
}

/// Builds `devspace` and copies the sample. Nothing runs yet.
///
/// # Errors
/// A step fails; the message names it.
pub(super) fn prepare() -> Result<Stage> {
    say::progress("building devspace");
    let devspace = super::build_cli()?;
    let sample = super::own_sources("samples/delivery", "delivery")?;
    Ok(Stage {
        devspace,
        source: read_file(&sample.join(FILE))?,
        sample,
        home: super::folder()?.join("home"),
        gateway: String::new(),
        running: Vec::new(),
    })
}

impl Stage {
    /// Starts the local engine with the sample, and puts one delivery into it.
    ///
    /// # Errors
    /// A service fails; its last lines were shown.
    pub(super) fn start(&mut self) -> Result<()> {
        self.call(&["local", "start"])?;
        self.call(&["use", "local"])?;
        let services = self.services()?;
        let address = |name: &str| services.iter().find(|(service, _)| service == name);
        let (_, delivery) = address("delivery").context("the service delivery does not run")?;
        show::put(
            &format!("{delivery}/api/deliveries/demo-1"),
            r#"{"id":"demo-1","owner":{"userId":"demo-owner","accountId":"a-1"},
            "pickup":{"altitude":1,"latitude":47.5,"longitude":8.7},
            "dropoff":{"altitude":1,"latitude":47.4,"longitude":8.5},
            "deadline":"noon","expedited":true,"confirmationRequired":3,"droneId":"drone-1"}"#,
        )?;
        self.running = services.into_iter().map(|(name, _)| name).collect();
        Ok(())
    }

    /// A `devspace` command that sees nothing of the user's own engine and choices.
    pub(super) fn devspace(&self, arguments: &[&str]) -> Command {
        let mut command = process::command(&self.devspace, arguments);
        command
            .current_dir(&self.sample)
            .env("DEVSPACE_LOCAL_STATE", self.home.join("state"))
            .env("XDG_CONFIG_HOME", self.home.join("config"));
        for name in ["DEVSPACE_ENGINE", "DEVSPACE_SPACE", "DEVSPACE_BASELINE"] {
            command.env_remove(name);
        }
        command
    }

    /// `devspace up` of delivery in the space `red`.
    pub(super) fn up(&self) -> Command {
        let mut up = self.devspace(&["up", "--space", "red", "--output", "json"]);
        up.current_dir(self.sample.join("services/delivery"));
        up
    }

    /// Saves a change of delivery: a field that the baseline's answer does not have.
    ///
    /// # Errors
    /// The line to change is not there, or the file cannot be written.
    pub(super) fn edit(&self, note: &str) -> Result<()> {
        let (before, after) = self
            .source
            .split_once(LINE)
            .context("delivery's reads.rs has lost the answer of a delivery")?;
        let changed = format!(
            "    let delivery = app.store.get(&id).await?.ok_or_else(not_found)?;\n\
             \x20   as_json(&json!({{ \"note\": \"{note}\", \"delivery\": delivery }}))\n"
        );
        write_file(&self.sample.join(FILE), format!("{before}{changed}{after}"))
    }

    /// Runs a verb with its output shown.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn call(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.devspace(arguments);
        let status = command
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("cannot start `{}`", process::shown(&command)))?;
        if !status.success() {
            bail!("`{}` ended with {status}", process::shown(&command));
        }
        Ok(())
    }

    /// The services that take requests, with their addresses; keeps the gateway's.
    fn services(&mut self) -> Result<Vec<(String, String)>> {
        let text = process::text(&mut self.devspace(&["local", "status", "--output", "json"]))?;
        let mut services = Vec::new();
        for event in text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
            match field("event") {
                "workspace" => field("url").trim_end_matches('/').clone_into(&mut self.gateway),
                "local_service" if field("phase") == "ready" => {
                    services.push((field("service").to_owned(), field("url").to_owned()));
                }
                _ => {}
            }
        }
        if self.gateway.is_empty() {
            bail!("`devspace local status` names no gateway: {text}");
        }
        Ok(services)
    }
}
