//! Bringing a copy up, as most tests begin.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use devspace_e2e::harness::app::App;
use devspace_e2e::harness::devspace::Caller;
use devspace_e2e::harness::{Devspace, Event, Scope};

/// How long an `up` may take until requests reach the copy.
pub(crate) const UP: Duration = Duration::from_secs(120);
/// How long a save may take until it is live.
pub(crate) const SAVE: Duration = Duration::from_secs(60);

/// A running `devspace up`.
pub(crate) struct Up {
    pub(crate) devspace: Devspace,
}

/// Runs `devspace up` in `folder` and waits until requests reach the copy.
pub(crate) async fn up(scope: &Scope, caller: &Caller, app: &App, space: &str, folder: &Path) -> Result<Up> {
    let mut devspace = caller.start(folder, &["up", "-s", space, "-b", &app.namespace])?;
    let up = devspace.event("up", UP).await?;
    scope.say(format!(
        "up of {} in {space}: {:.2} s in all, pod {:.2} s, {} files, build {:.2} s",
        up.text("service"),
        up.seconds("seconds"),
        up.seconds("pod_seconds"),
        up.number("files"),
        up.seconds("build_seconds"),
    ));
    Ok(Up { devspace })
}

impl Up {
    /// The next event that says that a revision is live of which no event has spoken yet. To be called after a save.
    pub(crate) async fn live(&mut self) -> Result<Event> {
        let last = self.devspace.revision();
        self.devspace
            .event_that("live", SAVE, |event| event.number("revision") > last)
            .await
    }
}
