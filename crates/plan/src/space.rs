//! Spaces: the personal namespace with what stands in it, the chain, limits and addresses.

pub mod limits;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;

use devspace_api::baseline::SpaceLimits;
use devspace_api::names::{
    BASELINE_LABEL, MANAGED_BY, MANAGER, OWNER_HASH_LABEL, SPACE_LABEL, SPACE_OWNER_ROLE,
    SPACE_UID_ANNOTATION,
};
use devspace_api::space::SpaceSpec;
use devspace_core::SpaceName;
use devspace_core::chain::{Chain, ChainError, DEFAULT_DEPTH, SpaceSet, resolve_chain};
use devspace_core::host::space_url;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota, ResourceQuotaSpec};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::copy::hash_of;

/// Name of the ResourceQuota in a personal namespace.
pub const QUOTA_NAME: &str = "devspace";

/// The longest DNS label (RFC 1035, section 2.3.4).
const LABEL_MAX: usize = 63;

/// What identifies a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceIdentity<'a> {
    /// The baseline's namespace, which is the Space's own.
    pub baseline: &'a str,
    /// The Space's name.
    pub name: &'a str,
    /// The Space's UID.
    pub uid: &'a str,
}

/// The name of the personal namespace of `space`. A space's name has no `--`, so no two names meet but by their cut,
/// and a namespace with another Space's UID is never taken.
#[must_use]
pub fn namespace_name(baseline: &str, space: &str) -> String {
    short_name(&format!("devspace-{baseline}--{space}"))
}

/// `full` if it is a DNS label by length, else its beginning with a hash of the whole.
#[must_use]
pub fn short_name(full: &str) -> String {
    if full.len() <= LABEL_MAX {
        return full.to_owned();
    }
    let hash: String = hash_of(&full).chars().take(8).collect();
    let head: String = full.chars().take(LABEL_MAX - 9).collect();
    format!("{}-{hash}", head.trim_end_matches('-'))
}

/// The hash that stands for a user in labels. User names are no label values.
#[must_use]
pub fn owner_hash(user: &str) -> String {
    hash_of(&user)
}

/// Labels of everything in the personal namespace.
#[must_use]
pub fn labels(identity: &SpaceIdentity<'_>) -> BTreeMap<String, String> {
    BTreeMap::from([
        (BASELINE_LABEL.to_owned(), identity.baseline.to_owned()),
        (SPACE_LABEL.to_owned(), identity.name.to_owned()),
        (MANAGED_BY.to_owned(), MANAGER.to_owned()),
    ])
}

/// The personal namespace, for `create` only: an existing one is never taken over.
#[must_use]
pub fn namespace(identity: &SpaceIdentity<'_>, spec: &SpaceSpec, limits: &SpaceLimits) -> Namespace {
    // Ours last: an admin's label cannot make the namespace look like another space's.
    let mut all = limits.namespace_labels.clone();
    all.extend(labels(identity));
    all.insert(OWNER_HASH_LABEL.to_owned(), owner_hash(&spec.owner));
    Namespace {
        metadata: ObjectMeta {
            name: Some(namespace_name(identity.baseline, identity.name)),
            labels: Some(all),
            annotations: Some([(SPACE_UID_ANNOTATION.to_owned(), identity.uid.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

/// Whether `namespace` was made for the space with this identity.
#[must_use]
pub fn belongs_to(namespace: &Namespace, identity: &SpaceIdentity<'_>) -> bool {
    let annotations = namespace.metadata.annotations.as_ref();
    annotations
        .and_then(|all| all.get(SPACE_UID_ANNOTATION))
        .is_some_and(|uid| uid == identity.uid)
}

/// Whether a binding may name `user`. The API server's own users are not for people to invite; a service account is.
#[must_use]
pub fn may_be_named(user: &str) -> bool {
    !user.is_empty() && (!user.starts_with("system:") || user.starts_with("system:serviceaccount:"))
}

/// The rights of the owner and of those whom they share the space with, in the personal namespace.
#[must_use]
pub fn role_binding(identity: &SpaceIdentity<'_>, spec: &SpaceSpec) -> RoleBinding {
    let users: BTreeSet<&String> = std::iter::once(&spec.owner).chain(&spec.shared_with).collect();
    // A service account is a user with a name of its own (RBAC, "Referring to subjects").
    let subject = |user: &String| Subject {
        api_group: Some("rbac.authorization.k8s.io".to_owned()),
        kind: "User".to_owned(),
        name: user.clone(),
        namespace: None,
    };
    let subjects = users
        .into_iter()
        .filter(|user| may_be_named(user))
        .map(subject)
        .collect();
    RoleBinding {
        metadata: in_namespace(identity, SPACE_OWNER_ROLE),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            name: SPACE_OWNER_ROLE.to_owned(),
        },
        subjects: Some(subjects),
    }
}

/// The quota of the personal namespace, where the Baseline has one.
#[must_use]
pub fn resource_quota(identity: &SpaceIdentity<'_>, limits: &SpaceLimits) -> Option<ResourceQuota> {
    if limits.quota.is_empty() {
        return None;
    }
    let hard = limits
        .quota
        .iter()
        .map(|(name, value)| (name.clone(), Quantity(value.clone())))
        .collect();
    Some(ResourceQuota {
        metadata: in_namespace(identity, QUOTA_NAME),
        spec: Some(ResourceQuotaSpec {
            hard: Some(hard),
            ..ResourceQuotaSpec::default()
        }),
        status: None,
    })
}

/// The chain of `space`, as deep as the Baseline lets it be.
///
/// # Errors
/// [`ChainError`], whose CamelCase word is [`chain_reason`].
pub fn chain(space: &SpaceName, all: &SpaceSet, limits: &SpaceLimits) -> Result<Chain, ChainError> {
    // The limit counts parents, the chain counts the space too.
    let most = limits.depth.unwrap_or(DEFAULT_DEPTH).saturating_add(1);
    resolve_chain(all, space, NonZeroU8::new(most).unwrap_or(NonZeroU8::MIN))
}

/// One CamelCase word for the reason of a condition.
#[must_use]
pub fn chain_reason(error: &ChainError) -> &'static str {
    match error {
        ChainError::Unknown(_) => "SpaceUnknown",
        ChainError::UnknownParent { .. } => "ParentMissing",
        ChainError::Cycle(_) => "ParentCycle",
        ChainError::TooDeep { .. } => "TooDeep",
    }
}

/// Addresses of the application as `space` sees it, in the order of the baseline's hosts.
#[must_use]
pub fn urls(space: &SpaceName, hosts: &[String]) -> Vec<String> {
    hosts.iter().map(|host| space_url("http", space, host)).collect()
}

fn in_namespace(identity: &SpaceIdentity<'_>, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace_name(identity.baseline, identity.name)),
        labels: Some(labels(identity)),
        ..ObjectMeta::default()
    }
}
