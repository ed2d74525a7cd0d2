//! The three CustomResourceDefinitions, generated from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use crate::{Baseline, ServiceCopy, Space};

/// The first line of each generated file.
pub const HEADER: &str = "# Generated from crates/api by `cargo xtask codegen`.\n";

/// File name and definition of each custom resource, in the order in which they are installed.
#[must_use]
pub fn all() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![
        ("baselines.devspace.dev.yaml", Baseline::crd()),
        ("spaces.devspace.dev.yaml", Space::crd()),
        ("servicecopies.devspace.dev.yaml", ServiceCopy::crd()),
    ]
}
