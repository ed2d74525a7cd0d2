//! What the controller is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use devspace_core::ports::CONTROLLER_ADMIN;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "devspace-controller",
    version,
    about = "Keeps baselines, spaces and copies as their objects ask"
)]
pub(crate) struct Arguments {
    /// What to do. Without a verb: `run`.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    /// Settings of all verbs.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the controllers while this process holds the lease.
    Run,
    /// Restore every baseline and remove everything of ours but the chart's own objects. The chart's pre-delete hook runs it.
    Uninstall(UninstallOptions),
}

/// Settings of `uninstall`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UninstallOptions {
    /// The controller's Deployment, which is stopped first so that it does not work against the removal.
    #[arg(long, default_value = "devspace-controller")]
    pub(crate) deployment: String,
    /// How long the whole removal may take, in seconds.
    #[arg(long, default_value_t = 240)]
    pub(crate) timeout_seconds: u64,
}

/// Settings of all verbs. Each flag can be given as the environment variable that it names.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// The controller's own namespace.
    #[arg(long, global = true, env = "POD_NAMESPACE", default_value = "devspace-system")]
    pub(crate) namespace: String,
    /// The name of this process in the lease and in events.
    #[arg(long, global = true, env = "POD_NAME", default_value = "devspace-controller")]
    pub(crate) identity: String,
    /// Image of the router.
    #[arg(
        long,
        global = true,
        env = "DEVSPACE_PROXY_IMAGE",
        default_value = "devspace.test/devspace-proxy:dev"
    )]
    pub(crate) proxy_image: String,
    /// Image of the agent.
    #[arg(
        long,
        global = true,
        env = "DEVSPACE_AGENT_IMAGE",
        default_value = "devspace.test/devspace-agent:dev"
    )]
    pub(crate) agent_image: String,
    /// When the kubelet pulls these images.
    #[arg(
        long,
        global = true,
        env = "DEVSPACE_IMAGE_PULL_POLICY",
        default_value = "IfNotPresent"
    )]
    pub(crate) image_pull_policy: String,
    /// Priority class of the router's pods. Unset: the cluster's default.
    #[arg(long, global = true, env = "DEVSPACE_ROUTER_PRIORITY_CLASS")]
    pub(crate) router_priority_class: Option<String>,
    /// Name of the lease.
    #[arg(long, global = true, default_value = "devspace-controller")]
    pub(crate) lease: String,
    /// After how many seconds without any ready router every Service is put back.
    #[arg(
        long,
        global = true,
        env = "DEVSPACE_RESTORE_AFTER_SECONDS",
        default_value_t = 60
    )]
    pub(crate) restore_after_seconds: u64,
    /// Where health, readiness and metrics are answered.
    #[arg(long, global = true, default_value_t = SocketAddr::from(([0, 0, 0, 0], CONTROLLER_ADMIN)))]
    pub(crate) admin: SocketAddr,
}

// === impl Settings ===

impl Settings {
    /// After how long without any ready router every Service is put back.
    pub(crate) fn restore_after(&self) -> Duration {
        Duration::from_secs(self.restore_after_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_may_follow_the_verb() {
        let line = ["x", "uninstall", "--timeout-seconds", "9", "--namespace", "tools"];
        let arguments = Arguments::parse_from(line);
        assert_eq!(arguments.settings.namespace, "tools");
        assert!(matches!(arguments.verb, Some(Verb::Uninstall(ref options)) if options.timeout_seconds == 9));
    }
}
