//! `devspace space`.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use devspace_core::ServiceName;

use super::TargetArgs;

/// What can be done with spaces.
#[derive(Debug, Subcommand)]
pub(crate) enum SpaceCommand {
    Create(SpaceCreateArgs),
    /// Use a space in later commands with this context
    Select {
        /// Name of the space
        name: String,
        /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
        #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
        baseline: Option<String>,
    },
    /// Show a space: owner, chain, namespace, URLs, copies
    Show {
        /// Name of the space [default: the one in use]
        name: Option<String>,
        /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
        #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
        baseline: Option<String>,
    },
    /// Delete a space with its namespace, copies and caches
    Delete {
        /// Name of the space
        name: String,
        /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
        #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
        baseline: Option<String>,
        /// How long to wait until it is gone
        #[arg(long, default_value = "2m", value_name = "DURATION", value_parser = super::duration)]
        timeout: Duration,
    },
}

/// Make a space, with copies that run given images if asked
#[derive(Debug, Args)]
pub(crate) struct SpaceCreateArgs {
    /// Name of the space: a DNS label without `--`
    pub(crate) name: String,
    /// Baseline, by its namespace [default: the selected one, the only one, or the context's namespace]
    #[arg(short, long, env = "DEVSPACE_BASELINE", value_name = "NAMESPACE")]
    pub(crate) baseline: Option<String>,
    /// Space that answers where this one has no copy [default: the baseline]
    #[arg(long, value_name = "SPACE")]
    pub(crate) parent: Option<String>,
    /// How long the space lives without use, as `48h` [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub(crate) ttl: Option<Duration>,
    /// Users who may use the space as you do
    #[arg(long = "share-with", value_name = "USER")]
    pub(crate) share_with: Vec<String>,
    /// A copy of SERVICE that runs IMAGE
    #[arg(long = "copy", value_name = "SERVICE=IMAGE")]
    pub(crate) copies: Vec<CopyImage>,
    /// Wait until requests reach every copy
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = super::duration)]
    pub(crate) timeout: Duration,
}

/// `SERVICE=IMAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyImage {
    /// The service.
    pub(crate) service: ServiceName,
    /// The image.
    pub(crate) image: String,
}

impl FromStr for CopyImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (service, image) = text.split_once('=').ok_or("write it as SERVICE=IMAGE")?;
        let service = ServiceName::try_new(service).map_err(|error| error.to_string())?;
        if image.is_empty() {
            return Err("the image is empty".to_owned());
        }
        Ok(Self {
            service,
            image: image.to_owned(),
        })
    }
}

/// The target that names a space by position.
pub(crate) fn target(space: Option<String>, baseline: Option<String>) -> TargetArgs {
    TargetArgs { space, baseline }
}
