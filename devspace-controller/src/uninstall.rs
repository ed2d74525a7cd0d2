//! Removes everything of ours but the chart's own objects.

use crate::settings::{Settings, UninstallOptions};

/// Restores every baseline and removes everything of ours.
pub(crate) async fn start(_settings: Settings, _options: &UninstallOptions) -> anyhow::Result<()> {
    Ok(())
}
