//! Arguments, and the data plane's settings made from them, once.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use devspace_core::ports;
use devspace_data_plane::Settings;

/// The router of one baseline.
#[derive(Debug, Clone, Parser)]
#[command(name = "devspace-proxy", version)]
pub(crate) struct Args {
    /// Namespace of the baseline.
    #[arg(long)]
    pub(crate) baseline_namespace: String,
    /// Folder that keeps the last table over a restart.
    #[arg(long)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Address that every port is bound on. Unset: every address of the pod.
    #[arg(long)]
    pub(crate) address: Option<IpAddr>,
    /// First listener port.
    #[arg(long, default_value_t = ports::LISTENER_FIRST)]
    pub(crate) first_listener: u16,
    /// How many listeners are bound at start, and by how many they grow.
    #[arg(long, default_value_t = ports::LISTENER_STEP)]
    pub(crate) listeners: u16,
    /// Port of people's entry.
    #[arg(long, default_value_t = ports::GATEWAY)]
    pub(crate) gateway_port: u16,
    /// Port of health, metrics and routes.
    #[arg(long, default_value_t = ports::ROUTER_ADMIN)]
    pub(crate) admin_port: u16,
    /// Threads that serve. Unset: the processors that the process may use, at most 4.
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// How long the router serves as before after SIGTERM. The pod's preStop sleep comes before.
    #[arg(long, default_value_t = 1)]
    pub(crate) drain_delay_seconds: u32,
    /// How long after that what is still open is waited for.
    #[arg(long, default_value_t = 30)]
    pub(crate) drain_seconds: u32,
}

// === impl Args ===

impl Args {
    /// The address that every port is bound on. `::` takes IPv4 as well.
    pub(crate) fn bind_address(&self) -> IpAddr {
        self.address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.threads = self.threads.unwrap_or(settings.threads);
        settings.drain.delay = Duration::from_secs(self.drain_delay_seconds.into());
        settings.drain.limit = Duration::from_secs(self.drain_seconds.into());
        settings.drain.idle = settings.drain.idle.min(settings.drain.limit / 2);
        settings
    }
}
