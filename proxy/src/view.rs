//! From Kubernetes objects to the plain views that a table is built from. Pure.

mod endpoints;
mod entry;
mod services;
mod spaces;

use devspace_api::record::RecordError;
use devspace_api::{Baseline, ServiceCopy, Space};
use devspace_core::InvalidName;
use devspace_core::chain::SpaceSet;
use devspace_core::table::{BaselineView, CopyView, EndpointView, Refusal, RouteTable, build_table};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;

/// The objects, borrowed from the stores.
#[derive(Debug, Default)]
pub(crate) struct Objects<'a> {
    pub(crate) services: Vec<&'a Service>,
    pub(crate) shadows: Vec<&'a EndpointSlice>,
    pub(crate) ingresses: Vec<&'a Ingress>,
    pub(crate) baselines: Vec<&'a Baseline>,
    pub(crate) spaces: Vec<&'a Space>,
    pub(crate) copies: Vec<&'a ServiceCopy>,
    pub(crate) copy_slices: Vec<&'a EndpointSlice>,
}

/// An object, or a part of one, that the table leaves out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeftOut {
    /// A Service whose record cannot be read.
    #[error("the record of Service `{0}` cannot be read")]
    Record(String, #[source] RecordError),
    /// An object whose name is no name of ours.
    #[error("{0} `{1}` is left out")]
    Name(&'static str, String, #[source] InvalidName),
    /// What the table refused.
    #[error("a part of the table is left out")]
    Table(#[source] Refusal),
}

/// Builds the table from what the watches hold.
pub(crate) fn table(objects: &Objects<'_>) -> (RouteTable, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let baseline: BaselineView = services::baseline(objects, &mut left_out);
    let spaces: SpaceSet = spaces::spaces(&objects.spaces, &mut left_out);
    let copies: Vec<CopyView> = spaces::copies(&objects.copies, &spaces, &mut left_out);
    let endpoints = EndpointView {
        baseline: endpoints::of_baseline(&objects.shadows),
        copies: endpoints::of_copies(&objects.copy_slices),
    };
    let (table, refusals) = build_table(&baseline, &spaces, &copies, &endpoints);
    left_out.extend(refusals.into_iter().map(LeftOut::Table));
    (table, left_out)
}

#[cfg(test)]
mod tests;
