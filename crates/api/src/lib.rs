//! The custom resources of `devspace.dev/v1alpha1` as types, with their labels, annotations and conditions.
//!
//! These types are the source of the CRD YAML in `charts/devspace`: `cargo xtask codegen` writes it and a test
//! fails when it is stale. Validation that an API server can do stands in the schema.

pub mod baseline;
pub mod condition;
pub mod copy;
pub mod crd;
pub mod names;
pub mod record;
pub mod space;

pub use baseline::{Baseline, BaselineSpec, BaselineStatus};
pub use copy::{ServiceCopy, ServiceCopySpec, ServiceCopyStatus};
pub use record::{Record, RecordPort};
pub use space::{Space, SpaceSpec, SpaceStatus};

/// The API group of all our resources.
pub const GROUP: &str = "devspace.dev";
/// The version that this crate speaks.
pub const VERSION: &str = "v1alpha1";
