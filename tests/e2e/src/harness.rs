//! What the tests use: the cluster, the product on it, namespaces of their own, applications, developers, the real
//! `devspace` program, and load.

pub mod app;
pub mod baseline;
pub mod client;
pub mod cluster;
pub mod command;
pub mod developer;
pub mod devspace;
pub mod diagnose;
pub mod folder;
pub mod gate;
pub mod objects;
pub mod product;
pub mod scope;
pub mod traffic;
pub mod wait;

pub use self::client::ClientPod;
pub use self::cluster::Cluster;
pub use self::developer::Developer;
pub use self::devspace::{Devspace, Event};
pub use self::scope::Scope;

/// A text that was never used before, for contents that must be told from all others.
#[must_use]
pub fn nonce() -> String {
    let random = uuid::Uuid::now_v7().simple().to_string();
    // The end of a version 7 UUID is random, the beginning is the time.
    format!("n{}", random.get(16..).unwrap_or(&random))
}

/// Whether the long form of the tests is wanted: more rounds of what is repeated. `cargo xtask test --long` sets it.
#[must_use]
pub fn is_long() -> bool {
    std::env::var_os("DEVSPACE_E2E_LONG").is_some()
}

/// Prints one line of what a test saw. `cargo test` shows it with `--show-output` or when the test fails.
#[expect(
    clippy::print_stdout,
    reason = "cargo test captures only what the print macros write"
)]
pub fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}
